# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Arithmetic with constants, and activations that clamp."""

from fractions import Fraction

import numpy as np
from onnx import NodeProto

from flow.lowering._builder import Builder
from flow.lowering._operands import (
    Operands,
    channel_constants,
    constant,
    data,
    optional,
    scalar,
)
from flow.lowering._refusal import Refusal
from flow.lowering._settle import unpadded
from flow.lowering._sums import summed
from flow.lowering._values import INFINITY, Rationals, Value, objects, rationals
from flow.lowering.constants import Constant, attribute

__all__ = [
    "add",
    "batch_norm",
    "clip",
    "div",
    "identity",
    "maximum",
    "minimum",
    "mul",
    "neg",
    "relu",
    "sub",
]


def identity(builder: Builder, node: NodeProto, operands: Operands) -> Value:  # noqa: ARG001
    """Drop Identity, Dropout, Cast to a float."""
    return data(operands)


def _affine(
    builder: Builder,
    node: NodeProto,
    value: Value,
    factor: Constant | None,
    shift: Constant | None,
) -> Value:
    """Return factor * value + shift."""
    if shift is not None:
        value = unpadded(builder, node.name, value)
    parts = [item for item in (factor, shift) if item is not None]
    value, found = channel_constants(builder, node, value, parts)
    ones = rationals(np.ones(value.channels, dtype=np.int64))
    factors = found[0] if factor is not None else ones
    return value.affine(factors, found[-1] if shift is not None else 0 * ones)


def mul(builder: Builder, node: NodeProto, operands: Operands) -> Value:
    """Lower Mul by a constant."""
    place = _data_place(operands)
    return _affine(builder, node, data(operands, place), _other(operands, 1 - place), None)


def neg(builder: Builder, node: NodeProto, operands: Operands) -> Value:  # noqa: ARG001
    """Lower Neg."""
    value = data(operands)
    ones = rationals(np.ones(value.channels, dtype=np.int64))
    return value.affine(-ones, 0 * ones)


def div(builder: Builder, node: NodeProto, operands: Operands) -> Value:
    """Lower Div by a constant."""
    divisor = constant(operands, 1, "divisor").exact()
    if any(item == 0 for item in divisor.flat):
        raise Refusal("its divisor is 0", "export the model again", structural=True)
    value = data(operands)
    value, (own,) = channel_constants(builder, node, value, [constant(operands, 1, "divisor")])
    return value.affine(1 / own, own * 0)


def sub(builder: Builder, node: NodeProto, operands: Operands) -> Value:
    """Lower Sub of a constant, from a constant, or of two branches."""
    if isinstance(operands[0], Value) and isinstance(operands[1], Value):
        return summed(builder, node, [operands[0], operands[1]], (1, -1))
    place = _data_place(operands)
    value = unpadded(builder, node.name, data(operands, place))
    value, (shift,) = channel_constants(builder, node, value, [_other(operands, 1 - place)])
    ones = rationals(np.ones(value.channels, dtype=np.int64))
    return value.affine(ones, -shift) if place == 0 else value.affine(-ones, shift)


def add(builder: Builder, node: NodeProto, operands: Operands) -> Value:
    """Lower Add or Sum of a constant or of branches."""
    branches = [item for item in operands if isinstance(item, Value)]
    constants = [item for item in operands if isinstance(item, Constant)]
    value = branches[0]
    if len(branches) > 1:
        value = summed(builder, node, branches, (1,) * len(branches))
    for item in constants:
        value = _affine(builder, node, value, None, item)
    return value


def _data_place(operands: Operands) -> int:
    if isinstance(operands[0], Value) and isinstance(operands[1], Value):
        raise Refusal(
            "both its inputs are computed from the image, and integer networks have no products "
            "of activations",
            "replace it by a layer with constant weights",
            structural=True,
        )
    return 0 if isinstance(operands[0], Value) else 1


def _other(operands: Operands, place: int) -> Constant:
    return constant(operands, place, "operand")


def batch_norm(builder: Builder, node: NodeProto, operands: Operands) -> Value:
    """Lower BatchNormalization with the float32 gain and bias that onnxruntime computes."""
    gain, bias, mean, variance = (
        constant(operands, place, meaning).values.astype(np.float32)
        for place, meaning in enumerate(("gain", "bias", "mean", "variance"), start=1)
    )
    epsilon = np.float32(attribute(node, "epsilon", 1e-5))
    with np.errstate(all="ignore"):
        factor = (np.float32(1) / np.sqrt(variance + epsilon)) * gain
        shift = bias - mean * factor
    if not (np.isfinite(factor).all() and np.isfinite(shift).all()):
        raise Refusal("its statistics are not finite", "train it again", structural=True)
    value = data(operands)
    shape = [-1 if axis == 1 else 1 for axis in range(value.index.ndim)]
    parts = (Constant(factor.reshape(shape)), Constant(shift.reshape(shape)))
    return _affine(builder, node, value, *parts)


def relu(builder: Builder, node: NodeProto, operands: Operands) -> Value:  # noqa: ARG001
    """Lower Relu."""
    value = data(operands)
    return value.clamped(
        rationals(np.zeros(value.channels, dtype=np.int64)), _everywhere(value, INFINITY)
    )


def clip(builder: Builder, node: NodeProto, operands: Operands) -> Value:
    """Lower Clip, whose bounds are inputs or, before opset 11, attributes."""
    ends = []
    for place, (name, default) in enumerate((("min", -INFINITY), ("max", INFINITY)), start=1):
        given = optional(operands, place, name)
        bound = attribute(node, name) if given is None else scalar(operands, place, name)
        ends.append(default if bound is None or abs(bound) > 1e38 else Fraction(bound))
    value = data(operands)
    if not ends[0] <= 0 <= ends[1]:
        value = unpadded(builder, node.name, value)
    return value.clamped(_everywhere(value, ends[0]), _everywhere(value, ends[1]))


def maximum(builder: Builder, node: NodeProto, operands: Operands) -> Value:
    """Lower Max of data and a constant."""
    value, bound = _bounded(builder, node, operands)
    return value.clamped(bound, _everywhere(value, INFINITY))


def minimum(builder: Builder, node: NodeProto, operands: Operands) -> Value:
    """Lower Min of data and a constant."""
    value, bound = _bounded(builder, node, operands)
    return value.clamped(_everywhere(value, -INFINITY), bound)


def _bounded(builder: Builder, node: NodeProto, operands: Operands) -> tuple[Value, Rationals]:
    """Return the data of a Max or Min, and the constant for each channel."""
    values = [item for item in operands if isinstance(item, Value)]
    if len(values) != 1 or len(operands) != 2:
        raise Refusal(
            f"it compares {len(values)} tensors that are computed from the image",
            "compare one with a constant, or use LeakyRelu for max(x, a * x)",
            structural=True,
        )
    value = unpadded(builder, node.name, values[0])
    place = 0 if operands[0] is values[0] else 1
    value, (bound,) = channel_constants(builder, node, value, [_other(operands, 1 - place)])
    return value, bound


def _everywhere(value: Value, bound: Fraction | float) -> Rationals:
    return objects([bound] * value.channels)
