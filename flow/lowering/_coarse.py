# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Sums of several scales in front of the logits, rounded with a bound on what the logits lose."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil

import numpy as np

from flow.integer import (
    IMAGE,
    Convolution,
    Dense,
    Flatten,
    IntegerNetwork,
    Interval,
    MaxPool,
    Operation,
    SumPool,
    Unflatten,
)
from flow.lowering._builder import Builder
from flow.lowering._multipliers import Part
from flow.lowering._values import Value, same
from flow.lowering._weighted_sums import WeightedSum, weighted_sum

__all__ = ["Coarse", "coarsened"]

_WIDE = 2**16  # factor that is left as it is where the logits fit
_MOST = 2**24  # magnitude of logits that are left as they are
_ROOM, _SHARED_ROOM = 2**20, 2**28  # magnitude afterwards, with and without scales of classes
_LARGEST = 2**16  # factor afterwards
_GRAIN = 2**16  # an error is carried along in this fraction of a step


@dataclass(frozen=True)
class Coarse:
    """A value with smaller factors before it.

    Attributes:
        value: with its new scale.
        error: that its integers may be off by, in steps.
        name: of the operation whose factors were rounded; empty if none were.
    """

    value: Value
    error: Fraction = Fraction(0)
    name: str = ""


def coarsened(builder: Builder, value: Value) -> Coarse:
    """Round the factors of a sum whose scales have made the logits wide; else change nothing."""
    magnitude = builder.interval(value).magnitude()
    path = _path(builder, value.source)
    off = builder.rounded.get(value.source)
    plain = Coarse(value) if off is None else Coarse(value, off.error, value.source)
    if magnitude < _MOST or path is None or not value.known:
        return plain
    name, behind = path
    network = _up_to(builder, value)
    found = weighted_sum(network, builder.operations[name], builder.factors)
    alone = all(len(network.readers(item)) == 1 for item in (name, *behind))
    largest = _largest(found) if found else 0
    if found is None or not alone or largest <= _WIDE:
        return plain
    room = _SHARED_ROOM if same(value.scale) else _ROOM
    size = _size(found, largest, max(2, min(_LARGEST, largest * room // magnitude)))
    ratio = Fraction(size, largest)
    error = max(_error(parts, ratio) for parts in found.parts)
    values = [tuple(round(part.weight * ratio) for part in parts) for parts in found.parts]
    _replace(builder, found.with_values(values))
    carried = _carried(builder, behind, error) + plain.error * ratio
    return Coarse(replace(value, scale=value.scale / ratio), carried, name)


def _largest(found: WeightedSum) -> int:
    return max(abs(part.weight) for parts in found.parts for part in parts)


def _path(builder: Builder, source: str) -> tuple[str, list[str]] | None:
    """Return the last sum of several scales, and what is linear between it and the logits."""
    behind: list[str] = []
    name = source
    while name in builder.operations:
        operation = builder.operations[name]
        factors = builder.factors.get(name)
        wide = factors is not None and np.abs(factors).max(initial=0) > _WIDE
        linear = isinstance(operation, Flatten | MaxPool | SumPool | Dense | Convolution)
        if wide or not linear:
            return name, behind
        behind.append(name)
        (name,) = operation.inputs
    return None


def _up_to(builder: Builder, value: Value) -> IntegerNetwork:
    """Return the network up to a value, and zeros as logits, which always fit."""
    features = int(np.prod(value.shape))
    zeros = np.zeros((features, 1), dtype=np.int64)
    flat = Flatten if len(value.shape) == 3 else Unflatten
    tail: list[Operation] = [flat(name=" flat", inputs=(value.source,))]
    if flat is Unflatten:
        tail.append(Flatten(name=" vector", inputs=(" flat",)))
    tail.append(Dense(name=" zeros", inputs=(tail[-1].name,), weights=zeros))
    shape = builder.shapes[IMAGE]
    operations = (*builder.needed(value.source), *tail)
    return IntegerNetwork(operations, (shape[0], shape[1], shape[2]), 1.0)


def _size(found: WeightedSum, largest: int, most: int) -> int:
    """Return the largest factor afterwards, at most as given, that rounds the others best."""
    sizes = np.arange(max(1, most // 2), most + 1)
    worst = np.zeros(len(sizes))
    for parts in set(found.parts):
        exact = sizes[:, None] * np.array([part.weight / largest for part in parts])
        reach = np.array([_reach(part) for part in parts], dtype=np.float64)
        worst = np.maximum(worst, np.abs(exact - np.rint(exact)) @ reach)
    return int(sizes[(worst / sizes).argmin()])


def _reach(part: Part) -> int:
    return max(abs(part.lo), abs(part.hi))


def _error(parts: Sequence[Part], ratio: Fraction) -> Fraction:
    """Return how far a sum is from the exact one, in new steps."""
    scaled = [(part.weight * ratio, _reach(part)) for part in parts]
    return sum((abs(exact - round(exact)) * reach for exact, reach in scaled), Fraction(0))


def _replace(builder: Builder, changed: dict[str, tuple[Operation, ...]]) -> None:
    """Put operations in the place of others, and compute all ranges again."""
    operations = [
        new for name, item in builder.operations.items() for new in changed.get(name, (item,))
    ]
    builder.operations = {item.name: item for item in operations}
    for item in operations:
        read = [builder.ranges[name] for name in item.inputs]
        builder.ranges[item.name] = item.output_range(*read)
        builder.shapes[item.name] = item.output_shape(*(builder.shapes[n] for n in item.inputs))


def _carried(builder: Builder, behind: Sequence[str], error: Fraction) -> Fraction:
    """Return an error after the linear operations behind it, the last of them first."""
    reach = ceil(error * _GRAIN)
    for name in reversed(behind):
        reach = builder.operations[name].output_range(Interval(-reach, reach)).magnitude()
    return Fraction(reach, _GRAIN)
