# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The proof that float rounding decides no activation, layer by layer."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from brevitas_models.blocks import QuantBlock, Residual
from brevitas_models.classifier import QuantClassifier
from brevitas_models.exact.thresholds import Thresholds, channel_thresholds
from brevitas_models.quantizers import Staircase, staircase

__all__ = ["LayerMargin", "layer_margins"]

_IMAGE = ("squeeze", "quantizer")  # what a network may begin with
_HALF_ULP = 2.0**-24  # relative rounding error of one float32 operation
_NORM_ROUNDINGS = 8  # of the BatchNorm and the comparison, at most
_PIXEL_ROUNDINGS = 4  # of the division by 255, its shift to -1..1 and the comparison


@dataclass(frozen=True)
class LayerMargin:
    """How far one layer's thresholds stay from the integers, in accumulator units.

    `proven` says that `rounding`, a bound on the error of any float32 evaluation order over all
    possible inputs, is smaller than `margin`, or that nothing rounds: a sum on a threshold is then
    rounded to the even level by every engine. `margin` is 0.5 where no threshold can be reached.
    """

    name: str
    margin: float
    rounding: float

    @property
    def proven(self) -> bool:
        """Whether float rounding can never move an activation to another level."""
        return self.rounding < self.margin or self.rounding == 0


def layer_margins(network: QuantClassifier) -> list[LayerMargin]:
    """Return the margin of every quantized activation of a network in exact form, in order.

    A layer has the name that a bit table uses; what quantizes the image, and the sums and plain
    shortcuts of residual blocks have names of their own.
    """
    found: list[LayerMargin] = []
    with torch.no_grad():
        for name, module in network.features.named_modules():
            if isinstance(module, QuantBlock):
                found.append(LayerMargin(name, *_of_block(module)))
            elif isinstance(module, Residual):
                found += _of_residual(name, module)
            elif name in _IMAGE:
                found.append(LayerMargin(name, *_of_image(module)))
    return found


def _is_power_of_two(value: float) -> bool:
    return math.frexp(value)[0] == 0.5


def _of_block(block: QuantBlock) -> tuple[float, float]:
    """Return the least margin and the largest rounding error over the channels."""
    scales = block.layer.quant_weight().scale.double().flatten()
    on_grid = all(_is_power_of_two(scale) for scale in scales.tolist())
    source_on_grid = _is_power_of_two(block.source.step)
    terms = block.layer.weight[0].numel()
    roundings = terms + 1 + block.source.divisor + (0 if on_grid else 1)
    measured = [
        _of_channel(one, exact=on_grid and source_on_grid, roundings=roundings)
        for one in channel_thresholds(block)
    ]
    return min(margin for margin, _ in measured), max(rounding for _, rounding in measured)


def _of_channel(thresholds: Thresholds, *, exact: bool, roundings: int) -> tuple[float, float]:
    """Return the channel's margin and its bound on float32 errors, in accumulator units.

    The BatchNorm and the comparison take at most 8 roundings of values no larger than the sum,
    the bias and the threshold together. The sum takes none on grids of powers of two below 2**24;
    else one for each product and addition, for the input (the division by 255, or its scale and
    the additions of an average pool before it) and for the weights' scale.
    """
    if not thresholds.at.size:
        return 0.5, 0.0
    summed = 0.0 if exact and thresholds.reach < 2**24 else roundings * thresholds.reach
    values = (np.abs(thresholds.values) + abs(thresholds.bias)) / thresholds.unit
    largest = np.abs(thresholds.at) + values
    return _distance(thresholds.at), float(_HALF_ULP * (_NORM_ROUNDINGS * largest.max() + summed))


def _distance(at: NDArray[np.float64]) -> float:
    """Return the least distance to an integer, 0.5 of no threshold."""
    return float(np.abs(at - np.rint(at)).min(initial=0.5))


def _of_residual(name: str, block: Residual) -> list[LayerMargin]:
    """Return the margins of a shortcut without weights and of the sum of the operands.

    Both see integers in steps of a quantizer; a convex sum counts in fifteenths of them.
    """
    operand, found = staircase(block.join), staircase(block.activation)
    assert operand is not None
    assert found is not None
    margins = []
    if not isinstance(block.shortcut, QuantBlock):
        source = block.first.source.step, block.first.source.bounds
        margins.append(LayerMargin(f"{name}.shortcut", *_on_grid(operand, *source)))
    parts = 1 if block.mix is None else block.mix.parts
    largest = round(operand.levels[-1] / operand.step) * (2 if block.mix is None else parts)
    summed = _on_grid(found, operand.step / parts, (-largest, largest))
    return [*margins, LayerMargin(f"{name}.sum", *summed)]


def _on_grid(quantizer: Staircase, unit: float, bounds: tuple[int, int]) -> tuple[float, float]:
    """Return margin and rounding of a quantizer that reads integers times a unit."""
    at, (low, high) = quantizer.thresholds / unit, bounds
    near = at[(at > low - 1) & (at < high + 1)]
    exact = _is_power_of_two(unit) and _is_power_of_two(quantizer.step)
    largest = 2 * max(-low, high)  # a value and its threshold
    return _distance(near), 0.0 if exact else _HALF_ULP * _NORM_ROUNDINGS * largest


def _of_image(module: nn.Module) -> tuple[float, float]:
    """Return the margin of what quantizes the image, in uint8 units."""
    found = staircase(module.quantizer)  # type: ignore[arg-type]
    assert found is not None
    signed = found.lowest < 0  # the quantizer sees 2 x - 1
    at = (found.thresholds + 1) * 127.5 if signed else found.thresholds * 255.0
    near = at[(at > -1) & (at < 256)]
    return _distance(near), _HALF_ULP * _PIXEL_ROUNDINGS * 255.0
