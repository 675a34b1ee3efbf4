# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Quant, BipolarQuant, MultiThreshold and Sign: thresholds on integers."""

from fractions import Fraction
from math import lcm

import numpy as np
from onnx import NodeProto

from flow.lowering._builder import Builder
from flow.lowering._levels import Grid, bipolar, on_grid, quantized
from flow.lowering._operands import Operands, channel_constants, constant, data, scalar
from flow.lowering._refusal import Refusal
from flow.lowering._settle import unpadded
from flow.lowering._staircase import Staircase, round_steps, uniform
from flow.lowering._values import Rationals, Value, objects, rationals
from flow.lowering.constants import Constant, attribute

__all__ = [
    "bipolar_quant",
    "bit_width",
    "levels",
    "multi_threshold",
    "quant",
    "refuse_scale",
    "sign",
]

_WIDEST = 16  # bits of a quantizer


def quant(builder: Builder, node: NodeProto, operands: Operands) -> Value:
    """Lower Quant: clamp(round(x / scale + zero)) on the image's side of the graph."""
    value = unpadded(builder, node.name, data(operands))
    bits = bit_width(scalar(operands, 3, "bit width"))
    signed, narrow = bool(attribute(node, "signed", 1)), bool(attribute(node, "narrow", 1))
    parts = [constant(operands, 1, "scale"), constant(operands, 2, "zero point")]
    value, (scale, zero) = channel_constants(builder, node, value, parts)
    refuse_scale(scale)
    if bits == 1 and signed:
        return bipolar(builder, node, value, -zero * scale, Grid(scale, zero))
    own, grid = levels(bits, signed=signed, narrow=narrow), Grid(scale, zero)
    reach = round_steps(attribute(node, "rounding_mode", "ROUND"))
    value = value.without_idle_clamps(builder.interval(value))
    if on_grid(builder, value, own, grid):
        return value
    return quantized(builder, node, value, uniform(own, reach, list(scale), list(zero)), grid)


def bipolar_quant(builder: Builder, node: NodeProto, operands: Operands) -> Value:
    """Lower BipolarQuant: scale where x >= 0, else -scale."""
    value = unpadded(builder, node.name, data(operands))
    value, (scale,) = channel_constants(builder, node, value, [constant(operands, 1, "scale")])
    zeros = rationals(np.zeros(len(scale), dtype=np.int64))
    return bipolar(builder, node, value, zeros, Grid(scale, zeros))


def sign(builder: Builder, node: NodeProto, operands: Operands) -> Value:
    """Lower Sign: -1, 0 or 1."""
    value = unpadded(builder, node.name, data(operands))
    stairs = Staircase(-1, (True, False), lambda _: ([0, 0], 1))
    ones = rationals(np.ones(value.channels, dtype=np.int64))
    return quantized(builder, node, value, stairs, Grid(ones, 0 * ones))


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
        return bipolar(builder, node, value, points, Grid(objects([scale / 2] * count), points * 0))
    stairs = Staircase(0, (True,) * len(rows[0][0]), lambda channel: rows[channel])
    grid = Grid(objects([scale] * count), objects([-bias / scale] * count))
    return quantized(builder, node, value, stairs, grid)


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


def bit_width(width: Fraction) -> int:
    """Return a width as an integer; Refusal if it is none in 1..16."""
    if width.denominator != 1 or not 1 <= width <= _WIDEST:
        raise Refusal(
            f"bit width {float(width):g} is not an integer in 1..{_WIDEST}",
            "quantize to a width in this range",
            structural=True,
        )
    return int(width)


def levels(bits: int, *, signed: bool, narrow: bool) -> range:
    """Return the integers of a quantizer."""
    if signed:
        return range(-(2 ** (bits - 1)) + narrow, 2 ** (bits - 1))
    return range(2**bits - narrow)


def refuse_scale(scale: Rationals) -> None:
    """Refuse a scale that is not positive."""
    smallest = min(scale)
    if smallest <= 0:
        raise Refusal(
            f"scale {float(smallest):g} is not positive",
            "train or export it again",
            structural=True,
        )
