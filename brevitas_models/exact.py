# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The exact form of a trained network, in which float rounding can decide nothing.

Torch, onnxruntime and FINN compute the same network with different float32 roundings. They agree
with the integers for certain when, for every channel and every activation level, the threshold at
which the level is reached, in units of the convolution's integer accumulator, keeps a distance
(the margin) from every integer that exceeds the rounding error of the float computation. Then

1. weights on a power-of-two grid times activations on a power-of-two grid give sums that float32
   holds exactly, so that only the division of the image by 255 and the BatchNorm round at all;
2. a shift of the channel's thresholds by at most half an accumulator unit, through the BatchNorm's
   bias, buys the margin: n thresholds leave, modulo 1, a gap of at least 1 / n between them, so
   the middle of the widest gap is always at least 1 / (2 n) away from all.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from brevitas_models.network import ConvBlock, QuantConvNet

__all__ = ["LayerMargin", "best_shift", "layer_margins", "make_exact"]

_Float = NDArray[np.float64]
_HALF_ULP = 2.0**-24  # relative rounding error of one float32 operation
_DEAD = 1e-3  # output range, in activation steps, given to a channel whose gain is zero


@dataclass(frozen=True)
class LayerMargin:
    """How far one layer's thresholds stay from the integers, in accumulator units.

    `proven` says that `rounding`, a bound on the error of any float32 evaluation order over all
    possible inputs, is smaller than `margin`. `margin` is 0.5 where no threshold can be reached.
    """

    name: str
    margin: float
    rounding: float

    @property
    def proven(self) -> bool:
        """Whether float rounding can never move an activation to another level."""
        return self.rounding < self.margin


@dataclass(frozen=True)
class _Input:
    """The integers that a convolution sums: 0..largest, each worth `step`."""

    step: float
    largest: int


@dataclass(frozen=True)
class _Thresholds:
    """One channel's activation levels as accumulator values; `unit` is one accumulator step."""

    unit: float
    bias: float
    reach: float  # sum of |weights| times the largest input
    at: _Float  # the thresholds that a sum can come near, in accumulator units
    values: _Float  # the same as values of the BatchNorm's output


def make_exact(network: QuantConvNet) -> list[LayerMargin]:
    """Rewrite a trained network in place, in eval mode, into exact form; return its margins.

    Every weight scale becomes the nearest power of two, every BatchNorm has mean 0, variance 1
    and a positive gain, and its bias moves by at most half an accumulator unit. The weights as
    integers stay as they are but for the signs of channels with a negative gain. The function of
    a convolution is kept but for that shift; the logits are multiplied by one factor in 0.7..1.5.
    """
    network.eval()
    with torch.no_grad():
        for block, source in _convolutions(network):
            _canonical_norm(block, source)
            _spread_thresholds(block, source)
        classifier = network.classifier.quant_weight()
        power = _power_of_two(classifier.scale.double().reshape(1))
        network.classifier.weight.copy_(classifier.int().double() * power)
    return layer_margins(network)


def layer_margins(network: QuantConvNet) -> list[LayerMargin]:
    """Return the margin of every convolution of a network in exact form, from its parameters."""
    with torch.no_grad():
        convolutions = enumerate(_convolutions(network))
        return [LayerMargin(f"conv{i}", *_measure(*pair)) for i, pair in convolutions]


def _convolutions(network: QuantConvNet) -> list[tuple[ConvBlock, _Input]]:
    blocks = network.conv_blocks()
    later = (_Input(block.activation_step, block.activation_levels) for block in blocks[:-1])
    return list(zip(blocks, [_Input(1 / 255, 255), *later], strict=True))


def _power_of_two(scale: Tensor) -> Tensor:
    return torch.exp2(torch.round(torch.log2(scale)))


def _canonical_norm(block: ConvBlock, source: _Input) -> None:
    """Give the weights a power-of-two scale and the BatchNorm mean 0, variance 1, gain > 0."""
    norm, quantized, step = block.norm, block.conv.quant_weight(), block.activation_step
    assert norm.running_mean is not None
    assert norm.running_var is not None
    gain = norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)
    bias = norm.bias.double() - norm.running_mean.double() * gain
    scale = quantized.scale.double().flatten()
    power = _power_of_two(scale)
    signs = torch.where(gain < 0, -1.0, 1.0).double()
    integers = quantized.int().double() * signs[:, None, None, None]
    dead = gain == 0
    reach = integers.abs().flatten(1).sum(1).clamp(min=1) * source.largest * source.step
    gain = torch.where(dead, _DEAD * step / (reach * power), gain.abs() * scale / power)
    bias = torch.where(dead, torch.round(bias / step) * step, bias)
    block.conv.weight.copy_(integers * power[:, None, None, None])
    norm.running_mean.zero_()
    norm.running_var.fill_(1.0)
    norm.weight.copy_(gain * (1.0 + norm.eps) ** 0.5)
    norm.bias.copy_(bias)


def _spread_thresholds(block: ConvBlock, source: _Input) -> None:
    """Shift each channel so that the integers lie in the widest gap between its thresholds."""
    for channel, thresholds in enumerate(_thresholds(block, source)):
        if thresholds.at.size:
            shift = best_shift(thresholds.at)
            block.norm.bias[channel] = thresholds.bias - shift * thresholds.unit


def best_shift(thresholds: _Float) -> float:
    """Return the shift in -0.5..0.5 that takes `thresholds` farthest from every integer."""
    fractions = np.sort(thresholds % 1.0)
    gaps = np.diff(fractions, append=fractions[0] + 1.0)
    widest = int(gaps.argmax())
    middle = fractions[widest] + gaps[widest] / 2
    return float(np.rint(middle) - middle)


def _thresholds(block: ConvBlock, source: _Input) -> list[_Thresholds]:
    """Find where each channel's level changes: BatchNorm(accumulator) = (k - 1/2) * step."""
    norm, quantized = block.norm, block.conv.quant_weight()
    assert norm.running_var is not None
    gains = norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)
    units = (gains * quantized.scale.double().flatten() * source.step).tolist()
    weights = quantized.int().double().flatten(1)
    lows = (weights.clamp(max=0).sum(1) * source.largest).tolist()
    highs = (weights.clamp(min=0).sum(1) * source.largest).tolist()
    values = (np.arange(block.activation_levels) + 0.5) * block.activation_step
    found = []
    for unit, bias, low, high in zip(units, norm.bias.tolist(), lows, highs, strict=True):
        at = (values - bias) / unit
        near = (at > low - 1) & (at < high + 1)
        found.append(_Thresholds(unit, bias, high - low, at[near], values[near]))
    return found


def _measure(block: ConvBlock, source: _Input) -> tuple[float, float]:
    """Return the least margin and the largest rounding error over the channels."""
    terms = block.conv.weight[0].numel()
    measured = [_measure_channel(one, source, terms) for one in _thresholds(block, source)]
    return min(margin for margin, _ in measured), max(rounding for _, rounding in measured)


def _measure_channel(thresholds: _Thresholds, source: _Input, terms: int) -> tuple[float, float]:
    """Return the channel's margin and its bound on float32 errors, in accumulator units.

    The BatchNorm and the comparison take at most 8 roundings of values no larger than the sum,
    the bias and the threshold together; the sum of the first layer takes one for each product,
    addition and division by 255, those of later layers none below 2**24.
    """
    if not thresholds.at.size:
        return 0.5, 0.0
    exact = source.largest < 255 and thresholds.reach < 2**24
    summing = 0.0 if exact else (terms + 2) * thresholds.reach
    largest = np.abs(thresholds.at) + (thresholds.values + abs(thresholds.bias)) / thresholds.unit
    margin = np.abs(thresholds.at - np.rint(thresholds.at)).min()
    return float(margin), float(_HALF_ULP * (8 * largest.max() + summing))
