# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Trunc: dropping the low bits of integers."""

from collections.abc import Callable
from fractions import Fraction
from math import ceil, floor, log2

from onnx import NodeProto

from flow.lowering._builder import Builder
from flow.lowering._levels import Grid, quantized
from flow.lowering._operands import Operands, channel_constants, constant, data, scalar
from flow.lowering._quantizers import bit_width, levels, refuse_scale
from flow.lowering._refusal import Refusal
from flow.lowering._settle import unclamped, unpadded
from flow.lowering._staircase import Half, round_steps, uniform
from flow.lowering._values import Value, objects
from flow.lowering.constants import attribute

__all__ = ["trunc"]


def trunc(builder: Builder, node: NodeProto, operands: Operands) -> Value:
    """Lower Trunc: round(x / scale + zero), divided by a power of two and rounded again."""
    value = unpadded(builder, node.name, data(operands))
    value = unclamped(builder, node.name, value) if value.curves else value
    parts = [constant(operands, 1, "scale"), constant(operands, 2, "zero point")]
    value, (scale, zero) = channel_constants(builder, node, value, parts)
    refuse_scale(scale)
    grid = Grid(scale, zero)
    target = _to_scale if len(operands) > 5 else _to_width
    kept, shift, result = target(builder, node, operands, (value, grid))
    reach = _after_rounding(round_steps(attribute(node, "rounding_mode", "FLOOR")), shift)
    stairs = uniform(kept, reach, list(scale), list(zero))
    return quantized(builder, node, value, stairs, result)


_Target = tuple[range, int, Grid]  # levels, shift, and what the levels are worth


def _to_width(
    builder: Builder,
    node: NodeProto,  # noqa: ARG001 - the signature of both versions
    operands: Operands,
    source: tuple[Value, Grid],
) -> _Target:
    """Version 1: as many bits fewer as the widths differ; the scale stays, nothing is clamped."""
    value, grid = source
    widths = (bit_width(scalar(operands, place, "width")) for place in (3, 4))
    shift = next(widths) - next(widths)
    value = value.without_idle_clamps(builder.interval(value))
    lowest, highest = value.ends(builder.interval(value))
    first = floor(min(lowest / grid.scale + grid.zero) / Fraction(2) ** shift) - 2
    last = ceil(max(highest / grid.scale + grid.zero) / Fraction(2) ** shift) + 2
    return range(first, last + 1), shift, grid


def _to_scale(
    builder: Builder,  # noqa: ARG001 - the signature of both versions
    node: NodeProto,
    operands: Operands,
    source: tuple[Value, Grid],
) -> _Target:
    """Version 2: to the output scale, clamped to the output width."""
    value, grid = source
    output = scalar(operands, 4, "output scale")
    shifts = {round(log2(output / item)) for item in grid.scale}
    if len(shifts) != 1:
        raise Refusal(
            "its channels are shifted by different numbers of bits", "use one scale for all"
        )
    shift = shifts.pop()
    bits = bit_width(scalar(operands, 5, "output width"))
    signed, narrow = bool(attribute(node, "signed", 1)), bool(attribute(node, "narrow", 0))
    result = Grid(objects([output] * value.channels), grid.zero / Fraction(2) ** shift)
    return levels(bits, signed=signed, narrow=narrow), shift, result


def _after_rounding(reach: Callable[[int], Half], shift: int) -> Callable[[int], Half]:
    """Return where round-half-even, a division by 2**shift and a rounding reach a level."""

    def bound(level: int) -> Half:
        half, inclusive = reach(level)
        place = Fraction(half) / 2 * Fraction(2) ** shift
        smallest = ceil(place) if inclusive else floor(place) + 1
        return 2 * smallest - 1, smallest % 2 == 0

    return bound
