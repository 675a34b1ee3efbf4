# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Bringing a value into the form that an integer operation needs, by operations before it."""

from bisect import bisect_left
from dataclasses import replace
from fractions import Fraction
from math import ceil, floor

import numpy as np

from flow.integer import Bias, Convolution, Flatten, Gather, Interval, Threshold
from flow.integer.operations import Integers
from flow.integer.selection import selection_of
from flow.lowering._builder import Builder
from flow.lowering._layouts import image_layout
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


def plain(builder: Builder, name: str, value: Value) -> Value:
    """Make padding and clamps part of the integers."""
    return unclamped(builder, name, unpadded(builder, name, value))


def unpadded(builder: Builder, name: str, value: Value) -> Value:
    """Write pending zeros as a padded 1x1 convolution."""
    if not any(value.padding):
        return value
    layout = image_layout(value)
    if layout is None:
        raise Refusal("zeros are added around a tensor that is then reshaped", "pad the image last")
    value = centred(builder, name, unclamped(builder, name, value))
    ones = np.ones(value.channels, dtype=np.int64)
    source = builder.channelwise(f"{name}_pad", value, ones, pad=True)
    shape = builder.shapes[source]
    padded = replace(value, source=source, shape=shape, padding=NO_PADDING)
    return layout.back(replace(padded, index=image_index(shape)))


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


def oriented(builder: Builder, name: str, value: Value) -> Value:
    """Return a value no channel of which falls where its integers grow.

    The signs of the producer's weights change if no other operation reads it. `name` is that of
    the node that needs the value.
    """
    signs = np.where(value.falling(), -1, 1)
    if (signs == 1).all():
        return value
    turned = value.of_multiple(rationals(signs))
    if builder.multiply(value.source, signs):
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
    if value.source in builder.rounded:
        raise Refusal(
            "an activation before it is of a sum whose branches have no common scale",
            "put a Quant node after the activation",
        )
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
                f"integers (channel {channel} is {float(scale):g} * integer + {float(offset):g}): "
                f"it is between integers {floor(place)} and {ceil(place)}",
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
    """Return the value of an NCHW tensor, its places and channels in the order of the source's.

    Raises:
        Refusal: the tensor is no image, or a stream cannot take its places.
    """
    if value.is_image():
        return value
    value = unpadded(builder, name, value)
    found = _chosen(value) if value.index.ndim == 4 else None
    if found is None:
        raise Refusal(
            f"its input of shape {tuple(value.index.shape)} is not an NCHW image in order",
            "transpose or reshape the image back before it",
        )
    places, channels, chosen = found
    value = _taken(builder, name, value, places, channels)
    return _selected(builder, name, value, chosen)


def _chosen(value: Value) -> tuple[Integers, int, Integers] | None:
    """Return an NCHW tensor as rows of the source: int64[H, W], their length, chosen channels."""
    index, channels = value.index[0], value.channels
    chosen, places = index[:, 0, 0] % channels, index[0] // channels
    if np.array_equal(index, chosen[:, None, None] + places * channels):
        return places, channels, chosen
    channels = len(index)
    places = index[0] // channels
    whole = int(np.prod(value.shape)) % channels == 0
    chosen = np.arange(channels)
    rows = np.array_equal(index, chosen[:, None, None] + places * channels)
    return (places, channels, chosen) if whole and rows else None


def _taken(builder: Builder, name: str, value: Value, places: Integers, channels: int) -> Value:
    """Return the image of int64[H, W] rows of so many channels, with the rationals of these."""
    image = len(value.shape) == 3 and channels == value.channels
    size = value.shape[:2] if image else (1, int(np.prod(value.shape)) // channels)
    if image and places.shape == size and np.array_equal(places.ravel(), np.arange(places.size)):
        return replace(value, index=image_index(value.shape))
    if selection_of(places, (size[0], size[1])) is None:
        raise Refusal(
            f"it takes the {size[0]} x {size[1]} places of its input in an order in which they do "
            "not arrive",
            "take rows and columns from the first to the last (no negative steps)",
        )
    rows = (places[..., None] * channels + np.arange(channels)).reshape(-1, channels)
    of_rows = rows % value.channels
    if any((item[of_rows] != item[of_rows[0]]).any() for item in value.rows()):
        raise Refusal(
            f"its channels become {channels}, in which the scale changes from place to place",
            "quantize with one scale for all channels before it",
        )
    gather = Gather(name=f"{name}_take", inputs=(value.source,), places=places, channels=channels)
    source = builder.emit(gather)
    shape = builder.shapes[source]
    index = image_index(shape)
    return value.picked(lambda row: row[of_rows[0]], source=source, shape=shape, index=index)


def _selected(builder: Builder, name: str, value: Value, chosen: Integers) -> Value:
    """Return the chosen channels of an image."""
    height, width, channels = value.shape
    if np.array_equal(chosen, np.arange(channels)):
        return value
    weights = np.zeros((1, 1, channels, len(chosen)), dtype=np.int64)
    weights[0, 0, chosen, np.arange(len(chosen))] = 1
    source = builder.emit(
        Convolution(name=f"{name}_select", inputs=(value.source,), weights=weights)
    )
    shape = (height, width, len(chosen))
    return value.picked(
        lambda row: row[chosen], source=source, shape=shape, index=image_index(shape)
    )
