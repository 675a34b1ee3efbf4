# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Sums of branches: exact in their largest common unit, else in a unit too fine to matter.

Branches behind BatchNormalization have scales whose common unit is 2**-60 of them and less. Their
factors are rounded so that sums keep 52 bits; flow.lowering._rounded then proves, threshold by
threshold, that no sum is decided otherwise.
"""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
from onnx import NodeProto

from flow.integer import Add
from flow.integer.operations import Integers
from flow.lowering._builder import Builder
from flow.lowering._refusal import Refusal
from flow.lowering._rounded import Rounded, Term
from flow.lowering._settle import as_image, flat, plain
from flow.lowering._values import Rationals, Value, common_unit, objects

__all__ = ["summed"]

_WIDE = 2**8  # factor of a branch that a quantizer's thresholds may make smaller
_LARGEST_FACTOR = 2**40  # of a branch before an exact sum
_LARGEST_SUM = 2**52
_ROOM = 2**36  # of a sum that another layer adds up further
_MIXING = ("AveragePool", "Conv", "Gemm", "GlobalAveragePool", "MatMul", "ReduceMean", "ReduceSum")
_QUANTIZERS = ("BipolarQuant", "IntQuant", "MultiThreshold", "Quant", "QuantizeLinear", "Sign")


def summed(
    builder: Builder, node: NodeProto, branches: list[Value], signs: tuple[int, ...]
) -> Value:
    """Add branches, each times its sign.

    Raises:
        Refusal: shapes or orders of elements that differ.
    """
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
    offset = sum(value.offset * sign for value, sign in zip(values, signs, strict=True))
    terms = _terms(builder, values, signs)
    first = values[0]
    if len(terms) == 1:
        return replace(first, source=terms[0].source, scale=terms[0].scale, offset=offset)
    units = _units(builder, terms)
    rounded = None
    if units is None:
        room = _ROOM if _is_mixed(builder, node.output[0]) else _LARGEST_SUM
        rounded = Rounded.of(terms, room)
        units = [rounded.unit] * first.channels
    scaled = [_scaled(builder, node, first, term, units) for term in terms]
    inputs = _flattened(builder, scaled)
    total = Add(name=node.name, inputs=tuple(inputs), factors=tuple(inputs.values()))
    source = builder.emit(total)
    if rounded is not None:
        builder.rounded[source] = rounded
    return Value.plain(source, first.shape, first.index, objects(units), offset)


def _is_mixed(builder: Builder, tensor: str) -> bool:
    """Say whether a layer adds up elements of a tensor before a quantizer has read it."""
    return any(
        reader.op_type in _MIXING
        or (
            reader.op_type not in _QUANTIZERS
            and any(_is_mixed(builder, name) for name in reader.output)
        )
        for reader in builder.readers.get(tensor, ())
    )


def _terms(builder: Builder, values: Sequence[Value], signs: Sequence[int]) -> list[Term]:
    """Return what is added, with the parts of rounded sums in their place."""
    found: dict[str, Rationals] = {}
    for value, sign in zip(values, signs, strict=True):
        scale, inner = value.scale * sign, builder.rounded.get(value.source)
        parts = [(value.source, scale)]
        if inner is not None and inner.terms:
            parts = [(part.source, part.scale * scale / inner.unit) for part in inner.terms]
        for source, own in parts:
            found[source] = found[source] + own if source in found else own
    return [Term(source, scale, builder.ranges[source]) for source, scale in found.items()]


def _units(builder: Builder, terms: Sequence[Term]) -> list[Fraction] | None:
    """Return each channel's common unit; None where exact factors would be too large."""
    if any(term.source in builder.rounded for term in terms):
        return None
    columns = list(zip(*(term.scale for term in terms), strict=True))
    units = [common_unit(column) if any(column) else Fraction(0) for column in columns]
    for column, unit in zip(columns, units, strict=True):
        if not unit:
            continue
        factors = [abs(scale / unit) for scale in column]
        reach = sum(f * term.interval.magnitude() for f, term in zip(factors, terms, strict=True))
        if max(factors) > _LARGEST_FACTOR or reach > _LARGEST_SUM:
            return None
    return units


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


def _scaled(
    builder: Builder, node: NodeProto, like: Value, term: Term, units: Sequence[Fraction]
) -> tuple[str, int]:
    """Return a source and its factor so that factor * source is scale * x in the units."""
    scales = zip(term.scale, units, strict=True)
    multiples = [round(scale / unit) if unit else 0 for scale, unit in scales]
    alive = {multiple for multiple, unit in zip(multiples, units, strict=True) if unit}
    if len(alive) == 1 and alive != {0}:
        return term.source, alive.pop()
    factors: Integers = np.array(multiples, dtype=np.int64)
    if alive <= {-1, 1} and builder.multiply(term.source, np.where(factors < 0, -1, 1)):
        return term.source, 1
    value = replace(like, source=term.source)
    return builder.channelwise(f"{node.name}_factor", value, factors), 1
