# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Writing the thresholds of a staircase, unless the integers are its levels already."""

from dataclasses import dataclass

import numpy as np
from onnx import NodeProto

from flow.integer import Threshold
from flow.integer.operations import Integers
from flow.lowering._builder import Builder
from flow.lowering._near_ties import near_ties
from flow.lowering._refusal import Refusal
from flow.lowering._rounded import Rounded
from flow.lowering._settle import oriented
from flow.lowering._staircase import Staircase, integer_thresholds
from flow.lowering._values import Rationals, Value

__all__ = ["Grid", "bipolar", "on_grid", "quantized"]

_MANY = 255  # thresholds; more are cut to those that can be reached
_MOST = 4095


@dataclass(frozen=True, eq=False)
class Grid:
    """What the levels of each channel are worth: (level - zero) * scale."""

    scale: Rationals
    zero: Rationals


def quantized(
    builder: Builder, node: NodeProto, value: Value, stairs: Staircase, grid: Grid
) -> Value:
    """Return the value on the grid: the level that the staircase gives it."""
    value = oriented(builder, node.name, value.without_idle_clamps(builder.interval(value)))
    stairs = _reachable(stairs, value, builder)
    interval = builder.interval(value)
    thresholds = integer_thresholds(stairs, value, interval, rounded_source(builder, value))
    if not value.curves and value.known:
        near = near_ties(stairs, value, interval)
        builder.ties[node.name] = (near, value.channels * stairs.steps)
    whole = all(item == grid.zero[0] and item.denominator == 1 for item in grid.zero)
    lowest = stairs.first - (int(grid.zero[0]) if whole else 0)
    offset = grid.zero * 0 if whole else -grid.zero * grid.scale
    source = value.source
    if not _is_identity(thresholds, lowest, interval.lo, interval.hi):
        inputs = (value.source,)
        source = builder.emit(
            Threshold(name=node.name, inputs=inputs, thresholds=thresholds, offset=lowest)
        )
    known = value.known or source != value.source
    return Value.plain(source, value.shape, value.index, grid.scale, offset, known=known)


def rounded_source(builder: Builder, value: Value) -> Rounded | None:
    """Return how the value's integers are off; None where they are exact.

    Raises:
        Refusal: another layer has mixed sums that are off.
    """
    found = builder.rounded.get(value.source)
    if found is not None and not found.terms:
        raise Refusal(
            "it quantizes what a layer makes of a sum whose branches have no common scale",
            "put a Quant node directly behind the sum",
        )
    return found


def on_grid(builder: Builder, value: Value, levels: range, grid: Grid) -> bool:
    """Whether every integer in the range is a level of the grid already, and one of them 0."""
    if value.clamps or value.curves or not value.known or not all(value.scale):
        return False
    if value.source in builder.rounded:
        return False
    steps, starts = value.scale / grid.scale, value.offset / grid.scale + grid.zero
    zeros = value.offset / value.scale  # zero padding may need an integer for 0
    if any(item.denominator != 1 for item in (*steps, *starts, *zeros)):
        return False
    interval = builder.interval(value)
    ends = [*(steps * interval.lo + starts), *(steps * interval.hi + starts)]
    return bool(levels[0] <= min(ends) and max(ends) <= levels[-1])


def _reachable(stairs: Staircase, value: Value, builder: Builder) -> Staircase:
    """Cut a staircase of many steps to those that the value can take."""
    if stairs.steps <= _MANY or (value.curves and stairs.steps <= _MOST):
        return stairs
    if value.curves:
        raise Refusal(
            f"it has {stairs.steps + 1} levels behind a function, more than {_MOST + 1}",
            "use at most 12 bits",
        )
    lowest, highest = value.ends(builder.interval(value))
    taken = [
        [
            stairs.taken(channel, min(max(end[channel], value.lo[channel]), value.hi[channel]))
            for channel in range(value.channels)
        ]
        for end in (lowest, highest)
    ]
    start, stop = min(taken[0]), max(taken[1])
    if stop - start > _MOST:
        raise Refusal(
            f"it has {stop - start + 1} levels, more than {_MOST + 1}", "use at most 12 bits"
        )
    return stairs.within(start, max(stop, start + 1))


def _is_identity(thresholds: Integers, offset: int, low: int, high: int) -> bool:
    """Whether offset + #{t <= x} is x for every x in low..high."""
    if high - low > thresholds.shape[1]:
        return False
    expected = np.arange(low + 1, high + 1)
    for row in thresholds:
        inside = row[(row > low) & (row <= high)]
        if offset + (row <= low).sum() != low or not np.array_equal(inside, expected):
            return False
    return True


def bipolar(
    builder: Builder, node: NodeProto, value: Value, points: Rationals, grid: Grid
) -> Value:
    """Return level -1 below a channel's point, and level 1 from there on."""
    value = oriented(builder, node.name, value.without_idle_clamps(builder.interval(value)))
    offset = -grid.zero * grid.scale
    if _is_bipolar(builder, value, points, grid):
        return value
    stairs = Staircase(
        0, (True,), lambda channel: ([points[channel].numerator], points[channel].denominator)
    )
    operation = Threshold(
        name=node.name,
        inputs=(value.source,),
        thresholds=integer_thresholds(
            stairs, value, builder.interval(value), rounded_source(builder, value)
        ),
        offset=-1,
        step=2,
    )
    source = builder.emit(operation)
    return Value.plain(source, value.shape, value.index, grid.scale, offset)


def _is_bipolar(builder: Builder, value: Value, points: Rationals, grid: Grid) -> bool:
    """Whether the value is at the levels -1 and 1 already, on their sides of the point."""
    source = builder.operations.get(value.source)
    offset = -grid.zero * grid.scale
    return (
        isinstance(source, Threshold)
        and (source.offset, source.step, source.thresholds.shape[1]) == (-1, 2, 1)
        and not value.clamps
        and not value.curves
        and bool((value.scale == grid.scale).all() and (value.offset == offset).all())
        and bool((offset - grid.scale < points).all() and (points <= offset + grid.scale).all())
    )
