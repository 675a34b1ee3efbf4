# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Quant, BipolarQuant, Trunc, MultiThreshold and their like: thresholds on integers."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from math import ceil, floor, lcm, log2

import numpy as np
from onnx import NodeProto

from flow.integer import Threshold
from flow.lowering._builder import Builder
from flow.lowering._constants import Constant, attribute
from flow.lowering._operands import (
    Operands,
    channel_constants,
    constant,
    data,
    optional,
    scalar,
)
from flow.lowering._refusal import Refusal
from flow.lowering._settle import oriented, unpadded
from flow.lowering._staircase import Half, Staircase, integer_thresholds, round_steps, uniform
from flow.lowering._values import Rationals, Value, objects, rationals, same

__all__ = [
    "bipolar_quant",
    "dequantize_linear",
    "multi_threshold",
    "quant",
    "quantize_linear",
    "sign",
    "trunc",
]

_WIDEST = 16  # bits of a quantizer
_MANY = 255  # thresholds; more are cut to those that can be reached
_MOST = 4095


def quant(builder: Builder, node: NodeProto, operands: Operands) -> Value:
    """Lower Quant: clamp(round(x / scale + zero)) on the image's side of the graph."""
    value = unpadded(builder, node.name, data(operands))
    bits = _bits(scalar(operands, 3, "bit width"))
    signed, narrow = bool(attribute(node, "signed", 1)), bool(attribute(node, "narrow", 1))
    parts = [constant(operands, 1, "scale"), constant(operands, 2, "zero point")]
    value, (scale, zero) = channel_constants(builder, node, value, parts)
    _refuse_scale(scale)
    if bits == 1 and signed:
        return _bipolar(builder, node, value, -zero * scale, scale, -zero * scale)
    lowest = -(2 ** (bits - 1)) + narrow if signed else 0
    highest = 2 ** (bits - 1) - 1 if signed else 2**bits - 1 - narrow
    reach = round_steps(attribute(node, "rounding_mode", "ROUND"))
    levels = range(lowest, highest + 1)
    return quantized(builder, node, value, uniform(levels, reach, scale, zero), scale, zero)


def bipolar_quant(builder: Builder, node: NodeProto, operands: Operands) -> Value:
    """Lower BipolarQuant: scale where x >= 0, else -scale."""
    value = unpadded(builder, node.name, data(operands))
    value, (scale,) = channel_constants(builder, node, value, [constant(operands, 1, "scale")])
    zeros = rationals(np.zeros(len(scale), dtype=np.int64))
    return _bipolar(builder, node, value, zeros, scale, zeros)


def sign(builder: Builder, node: NodeProto, operands: Operands) -> Value:
    """Lower Sign: -1, 0 or 1."""
    value = unpadded(builder, node.name, data(operands))
    stairs = Staircase(-1, (True, False), lambda _: ([0, 0], 1))
    ones = rationals(np.ones(value.channels, dtype=np.int64))
    return quantized(builder, node, value, stairs, ones, 0 * ones)


def multi_threshold(builder: Builder, node: NodeProto, operands: Operands) -> Value:
    """Lower MultiThreshold: out_bias + out_scale * the number of thresholds reached."""
    value = unpadded(builder, node.name, data(operands))
    value, rows = _threshold_rows(builder, node, value, constant(operands, 1, "threshold table"))
    scale = Fraction(attribute(node, "out_scale", 1.0))
    bias = Fraction(attribute(node, "out_bias", 0.0))
    count = value.channels
    if scale <= 0:
        raise Refusal(f"out_scale {float(scale):g} is not positive", "export it again")
    if len(rows[0][0]) == 1 and bias == -scale / 2:
        points = objects([Fraction(row[0][0], row[1]) for row in rows])
        return _bipolar(builder, node, value, points, objects([scale / 2] * count), points * 0)
    stairs = Staircase(0, (True,) * len(rows[0][0]), lambda channel: rows[channel])
    scales, zero = objects([scale] * count), objects([-bias / scale] * count)
    return quantized(builder, node, value, stairs, scales, zero)


def _threshold_rows(
    builder: Builder, node: NodeProto, value: Value, table: Constant
) -> tuple[Value, list[tuple[list[int], int]]]:
    """Return the value, and each channel's thresholds as (numerators, denominator)."""
    rank = value.index.ndim
    layout = attribute(node, "data_layout", "") or {2: "NC", 3: "NWC", 4: "NCHW"}.get(rank, "")
    axis = layout.index("C") if "C" in layout else 1
    count = table.values.shape[0]
    ids = np.arange(count).reshape([-1 if i == axis else 1 for i in range(rank)])
    value, (own,) = channel_constants(builder, node, value, [Constant(ids)])
    rows = []
    for row in np.sort(table.values.astype(np.float64), axis=1).tolist():
        fractions = [Fraction(item) for item in row]
        common = lcm(*(item.denominator for item in fractions))
        rows.append(([item.numerator * (common // item.denominator) for item in fractions], common))
    return value, [rows[int(i)] for i in own]


def trunc(builder: Builder, node: NodeProto, operands: Operands) -> Value:
    """Lower Trunc: drop low bits of an integer, by division and rounding; versions 1 and 2."""
    value = unpadded(builder, node.name, data(operands))
    parts = [constant(operands, 1, "scale"), constant(operands, 2, "zero point")]
    value, (scale, zero) = channel_constants(builder, node, value, parts)
    _refuse_scale(scale)
    reach = round_steps(attribute(node, "rounding_mode", "FLOOR"))
    if len(operands) > 5:
        return _trunc_to_scale(builder, node, operands, value, (scale, zero), reach)
    shift = _bits(scalar(operands, 3, "input width")) - _bits(scalar(operands, 4, "output width"))
    lowest, highest = value.ends(builder.interval(value))
    ends = [floor(min(lowest / scale + zero)) - 1, ceil(max(highest / scale + zero)) + 1]
    levels = range(floor(Fraction(ends[0]) / 2**shift) - 1, ceil(Fraction(ends[1]) / 2**shift) + 2)
    stairs = uniform(levels, _after_rounding(reach, shift), list(scale), list(zero))
    return quantized(builder, node, value, stairs, scale, zero)


def _trunc_to_scale(
    builder: Builder,
    node: NodeProto,
    operands: Operands,
    value: Value,
    parts: tuple[Rationals, Rationals],
    reach: Callable[[int], Half],
) -> Value:
    scale, zero = parts
    output = scalar(operands, 4, "output scale")
    shift = round(log2(output / scale[0]))
    if any(round(log2(output / item)) != shift for item in scale):
        raise Refusal("its scales differ by more than a shift", "use one scale")
    bits = _bits(scalar(operands, 5, "output width"))
    signed, narrow = bool(attribute(node, "signed", 1)), bool(attribute(node, "narrow", 0))
    lowest = -(2 ** (bits - 1)) + narrow if signed else 0
    highest = 2 ** (bits - 1) - 1 if signed else 2**bits - 1 - narrow
    levels = range(lowest, highest + 1)
    stairs = uniform(levels, _after_rounding(reach, shift), list(scale), list(zero))
    outputs = objects([output] * value.channels)
    return quantized(builder, node, value, stairs, outputs, zero / Fraction(2) ** shift)


def _after_rounding(reach: Callable[[int], Half], shift: int) -> Callable[[int], Half]:
    """Return where round-half-even, a division by 2**shift and a rounding reach a level."""

    def bound(level: int) -> Half:
        half, inclusive = reach(level)
        place = Fraction(half) / 2 * Fraction(2) ** shift
        smallest = ceil(place) if inclusive else floor(place) + 1
        return 2 * smallest - 1, smallest % 2 == 0

    return bound


def quantize_linear(builder: Builder, node: NodeProto, operands: Operands) -> Value:
    """Lower QuantizeLinear: saturate(round(x / scale) + zero), and a Clip that follows it."""
    value = unpadded(builder, node.name, data(operands))
    value, (scale, zero) = _linear_parts(builder, node, value, operands)
    _refuse_scale(scale)
    if not same(zero):
        raise Refusal("its channels have several zero points", "use one zero point")
    lowest, highest = _integer_type(node, operands, builder)
    point = int(zero[0])
    levels = range(lowest - point, highest - point + 1)
    stairs = uniform(levels, round_steps("ROUND"), list(scale), [Fraction(0)] * len(scale))
    ones = scale * 0 + 1
    return quantized(builder, node, value, stairs, ones, zero * 0).affine(ones, zero)


def dequantize_linear(builder: Builder, node: NodeProto, operands: Operands) -> Value:
    """Lower DequantizeLinear: (x - zero) * scale."""
    value = unpadded(builder, node.name, data(operands))
    value, (scale, zero) = _linear_parts(builder, node, value, operands)
    return value.affine(scale, -zero * scale)


def _linear_parts(
    builder: Builder, node: NodeProto, value: Value, operands: Operands
) -> tuple[Value, list[Rationals]]:
    """Return scale and zero point, which run along `axis` when there are several."""
    rank = value.index.ndim
    axis = attribute(node, "axis", 1) % rank
    scale = constant(operands, 1, "scale")
    zero = optional(operands, 2, "zero point") or Constant(np.zeros((), dtype=np.int64))
    shaped = [
        Constant(item.values)
        if item.values.size == 1
        else Constant(item.values.reshape([-1 if i == axis else 1 for i in range(rank)]))
        for item in (scale, zero)
    ]
    return channel_constants(builder, node, value, shaped)


def _integer_type(node: NodeProto, operands: Operands, builder: Builder) -> tuple[int, int]:
    """Return the levels of a QuantizeLinear's type, within the bounds of a Clip behind it."""
    zero = optional(operands, 2, "zero point")
    kind = np.iinfo(np.uint8 if zero is None else zero.values.dtype)
    lowest, highest = int(kind.min), int(kind.max)
    readers = builder.readers.get(node.output[0], [])
    if len(readers) == 1 and readers[0].op_type == "Clip" and len(readers[0].input) == 3:
        bounds = [builder.tensors.get(name) for name in readers[0].input[1:]]
        if all(isinstance(bound, Constant) for bound in bounds):
            ends = [int(scalar(bounds, place, "bound")) for place in (0, 1)]
            return max(lowest, ends[0]), min(highest, ends[1])
    return lowest, highest


def quantized(
    builder: Builder,
    node: NodeProto,
    value: Value,
    stairs: Staircase,
    scale: Rationals,
    zero: Rationals,
) -> Value:
    """Write thresholds for (level - zero) * scale, unless the integers are these levels already."""
    value = oriented(builder, node.name, value.without_idle_clamps(builder.interval(value)))
    interval = builder.interval(value)
    if _on_grid(builder, value, stairs, scale, zero):
        return value
    stairs = _reachable(stairs, value, builder)
    thresholds = integer_thresholds(stairs, value, interval)
    shift, rest = (0, zero)
    if all(item == zero[0] for item in zero) and zero[0].denominator == 1:
        shift, rest = int(zero[0]), zero * 0
    result = Value.plain(value.source, value.shape, value.index, scale, -rest * scale)
    if _is_identity(thresholds, stairs.first - shift, interval.lo, interval.hi):
        return replace(result, known=value.known)
    operation = Threshold(
        name=node.name,
        inputs=(value.source,),
        thresholds=thresholds,
        offset=stairs.first - shift,
    )
    return replace(result, source=builder.emit(operation))


def _on_grid(
    builder: Builder, value: Value, stairs: Staircase, scale: Rationals, zero: Rationals
) -> bool:
    """Whether every integer in the range is a level already, so that nothing is rounded."""
    if value.clamps or not value.known or not all(value.scale):
        return False
    steps, starts = value.scale / scale, value.offset / scale + zero
    if any(item.denominator != 1 for item in (*steps, *starts)):
        return False
    interval = builder.interval(value)
    lowest, highest = min(steps * interval.lo + starts), max(steps * interval.hi + starts)
    return bool(stairs.first <= lowest and highest <= stairs.first + stairs.steps)


def _reachable(stairs: Staircase, value: Value, builder: Builder) -> Staircase:
    """Cut a staircase of many steps to those that the value can take."""
    if stairs.steps <= _MANY:
        return stairs
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


def _is_identity(thresholds: np.ndarray, offset: int, low: int, high: int) -> bool:  # type: ignore[type-arg]
    """Whether offset + #{t <= x} is x for every x in low..high."""
    expected = np.arange(low + 1, high + 1)
    for row in thresholds:
        inside = row[(row > low) & (row <= high)]
        if offset + (row <= low).sum() != low or not np.array_equal(inside, expected):
            return False
    return True


def _bipolar(
    builder: Builder,
    node: NodeProto,
    value: Value,
    points: Rationals,
    scale: Rationals,
    offset: Rationals,
) -> Value:
    """Write offset - scale below a channel's point, and offset + scale from there on."""
    value = oriented(builder, node.name, value.without_idle_clamps(builder.interval(value)))
    if _is_bipolar(builder, value, points, scale, offset):
        return value
    stairs = Staircase(
        0, (True,), lambda channel: ([points[channel].numerator], points[channel].denominator)
    )
    operation = Threshold(
        name=node.name,
        inputs=(value.source,),
        thresholds=integer_thresholds(stairs, value, builder.interval(value)),
        offset=-1,
        step=2,
    )
    source = builder.emit(operation)
    return Value.plain(source, value.shape, value.index, scale, offset)


def _is_bipolar(
    builder: Builder, value: Value, points: Rationals, scale: Rationals, offset: Rationals
) -> bool:
    """Whether the value is offset - scale or offset + scale already, on its side of the point."""
    source = builder.operations.get(value.source)
    return (
        isinstance(source, Threshold)
        and (source.offset, source.step, source.thresholds.shape[1]) == (-1, 2, 1)
        and not value.clamps
        and bool((value.scale == scale).all() and (value.offset == offset).all())
        and bool((offset - scale < points).all() and (points <= offset + scale).all())
    )


def _bits(width: Fraction) -> int:
    if width.denominator != 1 or not 1 <= width <= _WIDEST:
        raise Refusal(
            f"bit width {float(width):g} is not an integer in 1..{_WIDEST}",
            "quantize to a width in this range",
            structural=True,
        )
    return int(width)


def _refuse_scale(scale: Rationals) -> None:
    smallest = min(scale)
    if smallest <= 0:
        raise Refusal(
            f"scale {float(smallest):g} is not positive",
            "train or export it again",
            structural=True,
        )
