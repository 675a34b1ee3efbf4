# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Where the activation behind a layer changes, in units of the layer's integer accumulator."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from brevitas_models.blocks import QuantBlock
from brevitas_models.quantizers import staircase

__all__ = ["Thresholds", "best_shift", "channel_thresholds"]

_Float = NDArray[np.float64]


@dataclass(frozen=True)
class Thresholds:
    """One channel's activation levels as accumulator values.

    Attributes:
        unit: one accumulator step as a value of the BatchNorm's output; 0 without a gain.
        bias: of the BatchNorm.
        reach: sum of |weights| times the largest distance between two inputs.
        at: float64[T], the thresholds that a sum can come near, in accumulator units.
        values: float64[T], the same as values of the BatchNorm's output.
    """

    unit: float
    bias: float
    reach: float
    at: _Float
    values: _Float


def channel_thresholds(block: QuantBlock) -> list[Thresholds]:
    """Find where each channel's level changes: BatchNorm(accumulator) = threshold."""
    norm, quantized, found = block.norm, block.layer.quant_weight(), staircase(block.activation)
    assert found is not None
    scale = quantized.scale.double().flatten()
    gains = norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)
    units = (gains * scale * block.source.step).tolist()
    weights = torch.round(quantized.value.double() / quantized.scale.double()).flatten(1)
    low, high = block.source.bounds
    positive, negative = weights.clamp(min=0).sum(1), weights.clamp(max=0).sum(1)
    lows = (positive * low + negative * high).tolist()
    highs = (positive * high + negative * low).tolist()
    ranges = zip(units, norm.bias.tolist(), lows, highs, strict=True)
    return [_near(found.thresholds, *one) for one in ranges]


def _near(values: _Float, unit: float, bias: float, low: float, high: float) -> Thresholds:
    if unit == 0:
        return Thresholds(unit, bias, high - low, np.zeros(0), np.zeros(0))
    at = (values - bias) / unit
    near = (at > low - 1) & (at < high + 1)
    return Thresholds(unit, bias, high - low, at[near], values[near])


def best_shift(thresholds: _Float) -> float:
    """Return the shift in -0.5..0.5 that takes `thresholds` farthest from every integer."""
    fractions = np.sort(thresholds % 1.0)
    gaps = np.diff(fractions, append=fractions[0] + 1.0)
    widest = int(gaps.argmax())
    middle = fractions[widest] + gaps[widest] / 2
    return float(np.rint(middle) - middle)
