# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The form in which a named network is shipped: codes for weights, one gain and bias a channel.

The thresholds of every channel are moved away from the accumulator's integers as in
brevitas_models.exact, so that float rounding decides no activation.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from brevitas_models._blocks import QuantBlock, QuantClassifier, activation_step, weight_step
from brevitas_models.exact import best_shift

__all__ = ["canonicalise", "weight_codes"]

_Float = NDArray[np.float64]


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
            _spread_thresholds(block, network)


def weight_codes(layer: nn.Module, bits: int) -> Tensor:
    """Return the integers int8[O, ...] that a layer's weights are, in steps."""
    quantized: Tensor = layer.quant_weight().value.detach()  # type: ignore[operator]
    return (quantized / weight_step(bits)).round().to(torch.int8)


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


def _spread_thresholds(block: QuantBlock, network: QuantClassifier) -> None:
    """Shift each channel so that the integers lie in the widest gap between its thresholds."""
    unit = weight_step(network.precision.weight_bits) * block.source_step
    norm, values = block.norm, _level_values(block, network.precision.activation_bits)
    gains = (norm.weight.double() / (1.0 + norm.eps) ** 0.5 * unit).tolist()
    for channel, (gain, bias) in enumerate(zip(gains, norm.bias.tolist(), strict=True)):
        if gain > 0:
            norm.bias[channel] = bias - best_shift((values - bias) / gain) * gain


def _level_values(block: QuantBlock, bits: int) -> _Float:
    """Return the inputs of the activation at which its level changes."""
    if bits == 1:
        return np.zeros(1)
    signed = bool(block.activation.act_quant.is_signed)
    lowest = 1 - 2 ** (bits - 1) if signed else 0
    highest = 2 ** (bits - 1) - 1 if signed else 2**bits - 1
    return (np.arange(lowest, highest) + 0.5) * activation_step(bits)
