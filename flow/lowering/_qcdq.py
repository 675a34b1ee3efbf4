# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""QuantizeLinear and DequantizeLinear: ONNX's own quantizers."""

from fractions import Fraction

import numpy as np
from onnx import NodeProto

from flow.lowering._builder import Builder
from flow.lowering._levels import Grid, quantized
from flow.lowering._operands import (
    Operands,
    channel_constants,
    constant,
    data,
    optional,
    scalar,
)
from flow.lowering._quantizers import refuse_scale
from flow.lowering._refusal import Refusal
from flow.lowering._settle import unpadded
from flow.lowering._staircase import round_steps, uniform
from flow.lowering._values import Rationals, Value, same
from flow.lowering.constants import Constant, attribute

__all__ = ["dequantize_linear", "quantize_linear"]


def quantize_linear(builder: Builder, node: NodeProto, operands: Operands) -> Value:
    """Lower QuantizeLinear: saturate(round(x / scale) + zero), and a Clip that follows it."""
    value = unpadded(builder, node.name, data(operands))
    value, (scale, zero) = _linear_parts(builder, node, value, operands)
    refuse_scale(scale)
    if not same(zero):
        raise Refusal("its channels have several zero points", "use one zero point")
    lowest, highest = _integer_type(node, operands, builder)
    point = int(zero[0])
    levels = range(lowest - point, highest - point + 1)
    stairs = uniform(levels, round_steps("ROUND"), list(scale), [Fraction(0)] * len(scale))
    ones = scale * 0 + 1
    return quantized(builder, node, value, stairs, Grid(ones, zero * 0)).affine(ones, zero)


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
