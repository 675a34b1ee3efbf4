# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Rewriting a trained network into exact form: codes for weights, one gain and bias a channel."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from brevitas_models.blocks import QuantBlock
from brevitas_models.classifier import QuantClassifier
from brevitas_models.exact.margins import LayerMargin, layer_margins
from brevitas_models.exact.thresholds import best_shift, channel_thresholds
from brevitas_models.quantizers import WeightQuantizer, staircase

__all__ = ["make_exact", "weight_codes"]

_DEAD = 1e-3  # output range, in activation steps, given to a channel whose gain is zero


def make_exact(network: QuantClassifier) -> list[LayerMargin]:
    """Rewrite a trained network in place, in eval mode, into exact form; return its margins.

    Weights become their quantized values; every BatchNorm gets mean 0, variance 1 and a gain above
    0 (the signs go into the weights); its bias moves by at most half an accumulator unit. Scales
    that follow the weights become the nearest power of two, which multiplies the logits by one
    factor in 0.7..1.5; the other scales stay. The function of a layer is kept but for that shift.
    """
    network.eval()
    follows = network.settings.quantizers.weights is WeightQuantizer.LARGEST
    with torch.no_grad():
        factors = {id(layer): _settle(layer, follows) for _, layer in network.weighted_layers()}
        for block in network.blocks():
            _settle_norm(block, factors[id(block.layer)])
            _spread_thresholds(block)
    return layer_margins(network)


def weight_codes(layer: nn.Module) -> Tensor:
    """Return the integers int8[O, ...] that a layer's weights are, in steps."""
    quantized = layer.quant_weight()  # type: ignore[operator]
    codes: Tensor = (quantized.value.detach() / quantized.scale.detach()).round().to(torch.int8)
    return codes


def _settle(layer: Any, follows: bool) -> Tensor:  # noqa: ANN401 - Brevitas has no types
    """Give a layer its quantized weights; return old scale over new one, float64[O or 1]."""
    quantized = layer.quant_weight()
    if not follows:
        layer.weight.copy_(quantized.value)
        return torch.ones(1, dtype=torch.float64)
    scale = quantized.scale.double().flatten()
    power = torch.exp2(torch.round(torch.log2(scale)))
    codes = quantized.int().double()
    layer.weight.copy_(codes * _rows(power, codes))
    factor: Tensor = scale / power
    return factor


def _rows(values: Tensor, like: Tensor) -> Tensor:
    """Return a value for each row of a weight tensor, shaped to multiply it."""
    return values.reshape(-1, *(1 for _ in like.shape[1:]))


def _settle_norm(block: QuantBlock, factor: Tensor) -> None:
    norm, weight = block.norm, block.layer.weight
    gain = norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)
    bias = norm.bias.double() - norm.running_mean.double() * gain
    weight.mul_(_rows(torch.where(gain < 0, -1.0, 1.0).to(weight), weight))
    gain, bias = _revived(block, gain.abs() * factor, bias)
    norm.running_mean.zero_()
    norm.running_var.fill_(1.0)
    norm.weight.copy_(gain * (1.0 + norm.eps) ** 0.5)
    norm.bias.copy_(bias)


def _revived(block: QuantBlock, gain: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    """Give channels without a gain one that changes no level, which keeps them constant."""
    found, dead = staircase(block.activation), gain == 0
    assert found is not None
    if not dead.any() or not np.allclose(np.diff(found.thresholds), found.step):
        return gain, bias
    quantized = block.layer.quant_weight()
    sums = (quantized.value.double().abs()).flatten(1).sum(1)
    reach = torch.maximum(sums, quantized.scale.double().flatten().expand_as(sums))
    reach = reach * max(abs(bound) for bound in block.source.bounds) * block.source.step
    level = found.lowest + torch.round((bias - found.lowest) / found.step) * found.step
    alive = _DEAD * found.step / reach
    return torch.where(dead, alive, gain), torch.where(dead, level, bias)


def _spread_thresholds(block: QuantBlock) -> None:
    """Shift each channel so that the integers lie in the widest gap between its thresholds."""
    for channel, thresholds in enumerate(channel_thresholds(block)):
        if thresholds.at.size:
            shift = best_shift(thresholds.at)
            block.norm.bias[channel] = thresholds.bias - shift * thresholds.unit
