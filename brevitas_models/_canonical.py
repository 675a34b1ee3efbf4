# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The form in which a named network is shipped: codes for weights, one gain and bias a channel.

The thresholds of every channel are moved away from the accumulator's integers as in
brevitas_models.exact, so that float rounding decides no activation.
"""

import torch
from torch import Tensor, nn

from brevitas_models._blocks import QuantBlock
from brevitas_models.classifier import QuantClassifier
from brevitas_models.exact import best_shift
from brevitas_models.quantizers import staircase

__all__ = ["canonicalise", "weight_codes"]


def canonicalise(network: QuantClassifier) -> None:
    """Rewrite a trained network in place, in eval mode.

    Weights become their quantized values; every BatchNorm gets mean 0, variance 1 and a gain of
    at least 0 (the signs go into the weights); its bias moves by at most half an accumulator unit.
    """
    network.eval()
    with torch.no_grad():
        for _, layer in network.weighted_layers():
            layer.weight.copy_(layer.quant_weight().value)
        for block in network.blocks():
            _canonical_norm(block)
            _spread_thresholds(block)


def weight_codes(layer: nn.Module) -> Tensor:
    """Return the integers int8[O, ...] that a layer's weights are, in steps."""
    quantized = layer.quant_weight()  # type: ignore[operator]
    codes: Tensor = (quantized.value.detach() / quantized.scale.detach()).round().to(torch.int8)
    return codes


def _canonical_norm(block: QuantBlock) -> None:
    norm, layer = block.norm, block.layer
    gain = norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)
    bias = norm.bias.double() - norm.running_mean.double() * gain
    signs = torch.where(gain < 0, -1.0, 1.0).to(layer.weight)
    layer.weight.mul_(signs.reshape(-1, *(1 for _ in layer.weight.shape[1:])))
    norm.running_mean.zero_()
    norm.running_var.fill_(1.0)
    norm.weight.copy_(gain.abs() * (1.0 + norm.eps) ** 0.5)
    norm.bias.copy_(bias)


def _spread_thresholds(block: QuantBlock) -> None:
    """Shift each channel so that the integers lie in the widest gap between its thresholds."""
    norm, found = block.norm, staircase(block.activation)
    assert found is not None
    scales = block.layer.quant_weight().scale.double().flatten().expand(norm.weight.numel())
    unit = scales * block.source_step
    gains = (norm.weight.double() / (1.0 + norm.eps) ** 0.5 * unit).tolist()
    for channel, (gain, bias) in enumerate(zip(gains, norm.bias.tolist(), strict=True)):
        if gain > 0:
            norm.bias[channel] = bias - best_shift((found.thresholds - bias) / gain) * gain
