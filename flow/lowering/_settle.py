# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Bringing a value into the form that an integer operation needs, by operations before it."""

from bisect import bisect_left
from dataclasses import replace
from fractions import Fraction

import numpy as np

from flow.integer import Bias, Convolution, Flatten, Interval, Threshold
from flow.integer.operations import Integers
from flow.lowering._builder import Builder
from flow.lowering._passing import values_of
from flow.lowering._refusal import Refusal
from flow.lowering._values import (
    INFINITY,
    NO_PADDING,
    Value,
    common_unit,
    image_index,
    objects,
    rationals,
)

__all__ = ["as_image", "centred", "flat", "oriented", "plain", "unclamped", "unpadded"]

_CLAMP_STEPS = 1023  # of an activation that no quantizer follows
_TABLE = 2**16  # integers whose values are computed one by one
_LAYOUTS = ((0, 1, 2, 3), (0, 3, 1, 2))  # NCHW, and the transposition that makes NHWC so


def plain(builder: Builder, name: str, value: Value) -> Value:
    """Make padding and clamps part of the integers."""
    return unclamped(builder, name, unpadded(builder, name, value))


def unpadded(builder: Builder, name: str, value: Value) -> Value:
    """Write pending zeros as a padded 1x1 convolution."""
    if not any(value.padding):
        return value
    axes = next((axes for axes in _LAYOUTS if value.is_image(axes)), None)
    if axes is None:
        raise Refusal("zeros are added around a tensor that is then reshaped", "pad the image last")
    value = centred(builder, name, unclamped(builder, name, value))
    ones = np.ones(value.channels, dtype=np.int64)
    source = builder.channelwise(f"{name}_pad", value, ones, pad=True)
    shape = builder.shapes[source]
    index = image_index(shape).transpose(np.argsort(axes))
    return replace(value, source=source, shape=shape, index=index, padding=NO_PADDING)


def centred(builder: Builder, name: str, value: Value) -> Value:
    """Return a value whose integer 0 is the real 0, as zero padding needs it."""
    if not value.known or not any(value.offset):
        return value
    pairs = zip(value.scale, value.offset, strict=True)
    shifts = [b / a if a else Fraction(1, 2) * bool(b) for a, b in pairs]
    off_grid = [i for i, shift in enumerate(shifts) if shift.denominator != 1]
    if off_grid:
        a, b = (float(item[off_grid[0]]) for item in (value.scale, value.offset))
        raise Refusal(
            f"it pads with zeros, but 0 is no level of its input (channel {off_grid[0]} is "
            f"{a:g} * integer + {b:g})",
            "quantize the input before this layer, or use no padding",
        )
    values = np.array([int(shift) for shift in shifts], dtype=np.int64)
    bias = Bias(name=f"{name}_centre", inputs=(value.source,), values=values)
    return replace(value, source=builder.emit(bias), offset=rationals(np.zeros_like(values)))


def oriented(builder: Builder, name: str, value: Value, *, in_place: bool = True) -> Value:
    """Return a value no channel of which falls where its integers grow.

    Args:
        builder: the operations so far.
        name: of the node that needs it.
        value: any.
        in_place: change the signs of the producer's weights if no other operation reads it.
    """
    signs = np.where(value.falling(), -1, 1)
    if (signs == 1).all():
        return value
    turned = value.of_multiple(rationals(signs))
    if in_place and builder.multiply(value.source, signs):
        return turned
    return replace(turned, source=builder.channelwise(f"{name}_sign", value, signs))


def flat(builder: Builder, name: str, value: Value) -> Value:
    """Return the value with a source that is a vector."""
    if len(value.shape) == 1:
        return value
    value = unpadded(builder, name, value)
    source = builder.emit(Flatten(name=f"{name}_flatten", inputs=(value.source,)))
    pixels = value.shape[0] * value.shape[1]
    return value.picked(
        lambda row: np.tile(row, pixels), source=source, shape=builder.shapes[source]
    )


def unclamped(builder: Builder, name: str, value: Value) -> Value:
    """Return the value without clamps: those that cut anything become thresholds."""
    value = value.without_idle_clamps(builder.interval(value))
    if not value.clamps and not value.curves:
        return value
    value = oriented(builder, name, value)
    interval = builder.interval(value)
    if value.curves:
        return _tabulated(builder, name, value)
    bounds = [_cut(value, channel, interval) for channel in range(value.channels)]
    lowest = min(low for low, high in bounds if low <= high)
    highest = max(high for low, high in bounds if low <= high)
    _refuse_levels(highest - lowest)
    rows = [_staircase(bound, (lowest, highest), interval) for bound in bounds]
    threshold = Threshold(
        name=f"{name}_clamp",
        inputs=(value.source,),
        thresholds=np.array(rows, dtype=np.int64),
        offset=lowest,
    )
    free = Value.plain(value.source, value.shape, value.index, value.scale, value.offset)
    return replace(free, source=builder.emit(threshold), padding=value.padding, known=value.known)


def _tabulated(builder: Builder, name: str, value: Value) -> Value:
    """Return the values of functions as integers of a unit of each channel."""
    interval = builder.interval(value)
    if not value.known:
        return Value.plain(value.source, value.shape, value.index, value.scale, known=False)
    tables = [_table(value, channel, interval) for channel in range(value.channels)]
    units = [common_unit(table) for table in tables]
    levels = [[int(v / u) for v in table] for table, u in zip(tables, units, strict=True)]
    first, last = min(row[0] for row in levels), max(row[-1] for row in levels)
    _refuse_levels(last - first)
    rows = [
        [interval.lo + bisect_left(row, level) for level in range(first + 1, last + 1)]
        for row in levels
    ]
    thresholds = np.array(rows, dtype=np.int64).reshape(value.channels, -1)
    inputs = (value.source,)
    source = builder.emit(
        Threshold(name=f"{name}_function", inputs=inputs, thresholds=thresholds, offset=first)
    )
    plainly = Value.plain(source, value.shape, value.index, objects(units))
    return replace(plainly, padding=value.padding)


def _table(value: Value, channel: int, interval: Interval) -> list[Fraction]:
    """Return what a channel's integers become."""
    few = interval.hi - interval.lo <= _TABLE
    found = values_of(value, channel, interval) if few else None
    if found is None:
        names = sorted({type(f).__name__ for curve in value.curves for f in curve.functions})
        raise Refusal(
            f"the values of {', '.join(names)} before it are not quantized (of integers "
            f"{interval.lo}..{interval.hi})",
            "put a Quant node after the activation",
        )
    return found


def _refuse_levels(steps: int) -> None:
    if steps > _CLAMP_STEPS:
        raise Refusal(
            f"an activation of {steps + 1} levels before it is not quantized",
            "put a Quant node after the activation",
        )


def _cut(value: Value, channel: int, interval: Interval) -> tuple[int, int]:
    """Return the integers that a channel is clamped to; none (1, 0) for a constant channel."""
    scale, offset = value.scale[channel], value.offset[channel]
    if not scale:
        return (1, 0)
    ends = []
    for bound, end in ((value.lo[channel], interval.lo), (value.hi[channel], interval.hi)):
        place = Fraction(end) if abs(bound) == INFINITY else (bound - offset) / scale
        if place.denominator != 1:
            raise Refusal(
                f"an activation before it is clamped at {float(bound):g}, which is no level of its "
                f"integers (channel {channel} is {float(scale):g} * integer + {float(offset):g})",
                "put a Quant node after the activation",
            )
        ends.append(int(place))
    return ends[0], ends[1]


def _staircase(bound: tuple[int, int], ends: tuple[int, int], interval: Interval) -> list[int]:
    """Return the thresholds whose count, from ends[0] on, is the integer clamped to bound."""
    always, never = interval.lo, interval.hi + 1
    levels = range(ends[0] + 1, ends[1] + 1)
    return [always if k <= bound[0] else k if k <= bound[1] else never for k in levels]


def as_image(builder: Builder, name: str, value: Value) -> Value:
    """Return the value of an NCHW tensor, its channels in the order of the source's.

    Raises:
        Refusal: the tensor is no image, or its places are not in order.
    """
    if value.is_image():
        return value
    chosen = _chosen_channels(value)
    if chosen is None:
        raise Refusal(
            f"its input of shape {tuple(value.index.shape)} is not an NCHW image in order",
            "transpose or reshape the image back before it",
        )
    height, width, channels = value.shape
    weights = np.zeros((1, 1, channels, len(chosen)), dtype=np.int64)
    weights[0, 0, chosen, np.arange(len(chosen))] = 1
    source = builder.emit(
        Convolution(name=f"{name}_select", inputs=(value.source,), weights=weights)
    )
    shape = (height, width, len(chosen))
    return value.picked(
        lambda row: row[chosen], source=source, shape=shape, index=image_index(shape)
    )


def _chosen_channels(value: Value) -> Integers | None:
    """Return the source's channels that an NCHW tensor holds, None if it is something else."""
    index = value.index
    if any(value.padding) or index.ndim != 4 or len(value.shape) != 3:
        return None
    height, width, channels = value.shape
    if index.shape[2:] != (height, width):
        return None
    chosen = index[0, :, 0, 0] % channels
    pixels = np.arange(height * width).reshape(height, width) * channels
    return chosen if np.array_equal(index[0], chosen[:, None, None] + pixels) else None
