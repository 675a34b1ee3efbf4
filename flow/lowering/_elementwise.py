# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Arithmetic with constants, activations that clamp, and sums of two branches."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
from onnx import NodeProto

from flow.integer import Add
from flow.integer.operations import Integers
from flow.lowering._builder import Builder
from flow.lowering._collisions import Term, of_sums
from flow.lowering._operands import (
    Operands,
    channel_constants,
    constant,
    data,
    optional,
    scalar,
)
from flow.lowering._refusal import Refusal
from flow.lowering._settle import as_image, flat, plain, unpadded
from flow.lowering._values import INFINITY, Rationals, Value, common_unit, objects, rationals
from flow.lowering.constants import Constant, attribute

__all__ = ["add", "batch_norm", "clip", "div", "hard_tanh", "identity", "mul", "neg", "relu", "sub"]

_WIDE = 2**8  # factor of a branch that a quantizer's thresholds may make smaller
_LARGEST_FACTOR = 2**40  # of a branch before a sum


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
        return _sum(builder, node, [operands[0], operands[1]], (1, -1))
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
        value = _sum(builder, node, branches, (1,) * len(branches))
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


def hard_tanh(builder: Builder, node: NodeProto, operands: Operands) -> Value:  # noqa: ARG001
    """Lower HardTanh, -1..1 by default."""
    ends = [Fraction(attribute(node, name, end)) for name, end in (("min", -1.0), ("max", 1.0))]
    value = data(operands)
    return value.clamped(_everywhere(value, ends[0]), _everywhere(value, ends[1]))


def _everywhere(value: Value, bound: Fraction | float) -> Rationals:
    return objects([bound] * value.channels)


def _sum(builder: Builder, node: NodeProto, branches: list[Value], signs: tuple[int, ...]) -> Value:
    """Add branches in integers of their largest common unit."""
    shapes = [value.index.shape for value in branches]
    if len(set(shapes)) != 1:
        raise Refusal(
            f"its inputs have shapes {', '.join(map(str, shapes))}, which are not equal",
            "repeat the smaller one in the model",
            structural=True,
        )
    builder.pin_shared(branches)
    values = _aligned(builder, node, [plain(builder, node.name, value) for value in branches])
    if not all(value.known for value in values):
        return replace(values[0], known=False)
    signed = [value.scale * sign for value, sign in zip(values, signs, strict=True)]
    offset = sum(value.offset * sign for value, sign in zip(values, signs, strict=True))
    if len({value.source for value in values}) == 1:
        return replace(values[0], scale=sum(signed), offset=offset)
    columns = zip(*signed, strict=True)
    units = [common_unit(column) if any(column) else Fraction(0) for column in columns]
    _refuse_wide(builder, values, signs, units)
    sources = []
    for value, scale in zip(values, signed, strict=True):
        source, factor = _scaled(builder, node, value, scale, units)
        sources.append((source, factor))
    terms = _flattened(builder, sources)
    total = Add(name=node.name, inputs=tuple(terms), factors=tuple(terms.values()))
    unit = objects(units)
    return Value.plain(builder.emit(total), values[0].shape, values[0].index, unit, offset)


def _flattened(builder: Builder, terms: list[tuple[str, int]]) -> dict[str, int]:
    """Return the terms, wide sums among them as their own terms: quantizers then see all parts."""
    wide = max(abs(factor) for _, factor in terms) > _WIDE
    found: dict[str, int] = {}
    for source, factor in terms:
        inner = builder.operations.get(source)
        parts = {source: 1}
        if wide and isinstance(inner, Add):
            parts = dict(zip(inner.inputs, inner.factors, strict=True))
        for name, own in parts.items():
            found[name] = found.get(name, 0) + factor * own
    return {name: factor for name, factor in found.items() if factor} or found


def _aligned(builder: Builder, node: NodeProto, values: list[Value]) -> list[Value]:
    """Give branches sources of one shape and order."""
    first = values[0]
    if all(_matches(value, first) for value in values):
        return values
    if first.index.ndim == 4:
        images = [as_image(builder, node.name, value) for value in values]
        if all(_matches(value, images[0]) for value in images):
            return images
    vectors = [flat(builder, node.name, value) for value in values]
    if all(_matches(value, vectors[0]) for value in vectors):
        return vectors
    raise Refusal("its inputs differ in their order of elements", "transpose them alike")


def _matches(value: Value, other: Value) -> bool:
    return value.shape == other.shape and np.array_equal(value.index, other.index)


def _refuse_wide(
    builder: Builder, values: list[Value], signs: tuple[int, ...], units: list[Fraction]
) -> None:
    """Refuse factors beyond the limit, with the sums that would collide at it."""
    steps = [max(abs(value.scale[c]) for value in values) for c in range(len(units))]
    sizes = [int(step / unit) if unit else 0 for step, unit in zip(steps, units, strict=True)]
    channel = sizes.index(max(sizes))
    if sizes[channel] <= _LARGEST_FACTOR:
        return
    terms = [
        Term(v.scale[channel] * sign, builder.interval(v), v.offset[channel] * sign)
        for v, sign in zip(values, signs, strict=True)
    ]
    raise Refusal(
        f"its inputs have no common scale: in channel {channel} a step of one is worth "
        f"{float(steps[channel]):g}, {sizes[channel]} times their largest common unit; with "
        f"factors rounded to at most 2**{_LARGEST_FACTOR.bit_length() - 1}, "
        f"{of_sums(terms, _LARGEST_FACTOR)}",
        "quantize both inputs with one shared quantizer",
    )


def _scaled(
    builder: Builder, node: NodeProto, value: Value, scale: Rationals, units: list[Fraction]
) -> tuple[str, int]:
    """Return a source and its factor so that factor * source is scale * x in the units."""
    multiples = [int(a / unit) if unit else 0 for a, unit in zip(scale, units, strict=True)]
    alive = {multiple for multiple, unit in zip(multiples, units, strict=True) if unit}
    if len(alive) == 1 and alive != {0}:
        return value.source, alive.pop()
    factors: Integers = np.array(multiples, dtype=np.int64)
    if alive <= {-1, 1} and builder.multiply(value.source, np.where(factors < 0, -1, 1)):
        return value.source, 1
    return builder.channelwise(f"{node.name}_factor", value, factors), 1
