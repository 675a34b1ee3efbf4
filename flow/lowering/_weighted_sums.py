# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Operations as weighted sums of integer parts, whose weights can be replaced."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from flow.integer import (
    Add,
    Concat,
    Convolution,
    Dense,
    Flatten,
    IntegerNetwork,
    Interval,
    Operation,
)
from flow.integer.operations import Integers
from flow.lowering._multipliers import Part

__all__ = ["Parts", "WeightedSum", "weighted_sum"]

Parts = tuple[Part, ...]
Values = Sequence[tuple[int, ...]]  # of each channel's parts


class WeightedSum(ABC):
    """An operation's channels as sums of parts.

    Attributes:
        parts: of each channel.
        shared: whether channels of equal parts had better have equal values.
    """

    parts: tuple[Parts, ...]
    shared: bool

    @abstractmethod
    def with_values(self, values: Values) -> dict[str, tuple[Operation, ...]]:
        """Return, by name, what takes an operation's place when its parts have these weights."""


def weighted_sum(
    network: IntegerNetwork, operation: Operation, factors: Mapping[str, Integers]
) -> WeightedSum | None:
    """Return an operation as a weighted sum; None if it is none.

    Args:
        network: that it is in.
        operation: any.
        factors: name of a Convolution or Dense -> int64[I, O]: what the weights of each input (of
            a group) and output were multiplied with.
    """
    match operation:
        case Add():
            return _Branches(network, operation)
        case Convolution() | Dense() if operation.name in factors:
            return _Products(network, operation, factors[operation.name])
    return None


class _Branches(WeightedSum):
    """An Add; factors of each channel may be in layers before it."""

    shared = True

    def __init__(self, network: IntegerNetwork, operation: Add) -> None:
        self.operation, ranges = operation, network.ranges()
        self.names = network.sources[operation.name]
        self.layers = [_channelwise(network, name) for name in self.names]
        self.image = len(network.shapes[operation.name]) == 3
        channels = network.shapes[operation.name][-1]
        columns = []
        for name, layer, factor in zip(self.names, self.layers, operation.factors, strict=True):
            read = ranges[name if layer is None else network.sources[name][0]]
            own = np.ones(channels, dtype=np.int64) if layer is None else _diagonal(layer)
            columns.append([Part(int(factor * f), read.lo, read.hi) for f in own])
        self.parts = tuple(zip(*columns, strict=True))

    def with_values(self, values: Values) -> dict[str, tuple[Operation, ...]]:
        """Put equal values into the Add, others into layers before it."""
        changed: dict[str, tuple[Operation, ...]] = {}
        added: list[Operation] = []
        names, factors = list(self.names), []
        for place, (column, layer) in enumerate(
            zip(zip(*values, strict=True), self.layers, strict=True)
        ):
            alike = layer is None and len(set(column)) == 1
            factors.append(column[0] if alike else 1)
            if layer is not None:
                changed[layer.name] = (_of_diagonal(layer.name, layer.inputs, column, self.image),)
            elif not alike:
                new = f"{self.operation.name}_factor{place}"
                added.append(_of_diagonal(new, (names[place],), column, self.image))
                names[place] = new
        total = replace(self.operation, inputs=tuple(names), factors=tuple(factors))
        return {**changed, self.operation.name: (*added, total)}


def _channelwise(network: IntegerNetwork, name: str) -> Convolution | Dense | None:
    """Return the layer of this name if it multiplies each channel, and nothing else reads it."""
    found = next((item for item in network.operations if item.name == name), None)
    if len(network.readers(name)) > 1 or not isinstance(found, Convolution | Dense):
        return None
    if isinstance(found, Convolution):
        plain = found.kernel == found.stride == (1, 1) and not any(found.padding)
        return (
            found if plain and found.groups == found.weights.shape[3] and found.depthwise else None
        )
    square = found.weights.shape[0] == found.weights.shape[1]
    return found if square and not (found.weights - np.diag(np.diag(found.weights))).any() else None


def _diagonal(layer: Convolution | Dense) -> Integers:
    return layer.weights[0, 0, 0] if isinstance(layer, Convolution) else np.diag(layer.weights)


def _of_diagonal(
    name: str, inputs: tuple[str, ...], values: Sequence[int], image: bool
) -> Convolution | Dense:
    weights = np.array(values, dtype=np.int64)
    if not image:
        return Dense(name=name, inputs=inputs, weights=np.diag(weights))
    shaped = weights.reshape(1, 1, 1, -1)
    return Convolution(name=name, inputs=inputs, weights=shaped, groups=len(weights))


class _Products(WeightedSum):
    """A layer of weights; a part is what inputs of one factor add to an output."""

    shared = False

    def __init__(
        self, network: IntegerNetwork, operation: Convolution | Dense, factors: Integers
    ) -> None:
        self.operation, self.factors = operation, factors
        weights = operation.weights.reshape(-1, *factors.shape)
        self.codes = weights // np.where(factors, factors, 1)
        low, high = _channel_ranges(network, network.sources[operation.name][0])
        if isinstance(operation, Convolution) and any(operation.padding):
            low, high = np.minimum(low, 0), np.maximum(high, 0)
        outputs = factors.shape[1]
        groups = operation.groups if isinstance(operation, Convolution) else 1
        self.own = [self._distinct(output) for output in range(outputs)]
        rows = np.split(np.arange(len(low)), groups)
        self.parts = tuple(
            self._output(
                output,
                low[rows[output * groups // outputs]],
                high[rows[output * groups // outputs]],
            )
            for output in range(outputs)
        )

    def _distinct(self, output: int) -> list[int]:
        used = self.codes[:, :, output].any(axis=0)
        return sorted(set(self.factors[used, output].tolist()))

    def _output(self, output: int, low: Integers, high: Integers) -> Parts:
        found = []
        for factor in self.own[output]:
            codes = self.codes[:, self.factors[:, output] == factor, output]
            ends = [row[self.factors[:, output] == factor] for row in (low, high)]
            products = np.stack([codes * ends[0], codes * ends[1]])
            lowest, highest = products.min(axis=0).sum(), products.max(axis=0).sum()
            found.append(Part(factor, int(lowest), int(highest)))
        return tuple(found)

    def with_values(self, values: Values) -> dict[str, tuple[Operation, ...]]:
        """Multiply the weights without factors by the values."""
        multiples = np.zeros_like(self.factors)
        for output, (own, new) in enumerate(zip(self.own, values, strict=True)):
            for factor, value in zip(own, new, strict=True):
                multiples[self.factors[:, output] == factor, output] = value
        weights = (self.codes * multiples).reshape(self.operation.weights.shape)
        return {self.operation.name: (replace(self.operation, weights=weights),)}


def _channel_ranges(network: IntegerNetwork, name: str) -> tuple[Integers, Integers]:
    """Return the lowest and the highest integer of each channel."""
    operation = next((item for item in network.operations if item.name == name), None)
    shape = network.shapes[name]
    if isinstance(operation, Concat):
        found = [_channel_ranges(network, source) for source in network.sources[name]]
        low, high = zip(*found, strict=True)
        if operation.axis == -1:
            return np.concatenate(low), np.concatenate(high)
        return np.min(low, axis=0), np.max(high, axis=0)
    if isinstance(operation, Flatten):
        low, high = _channel_ranges(network, network.sources[name][0])
        times = shape[-1] // len(low)
        return np.tile(low, times), np.tile(high, times)
    whole: Interval = network.ranges()[name]
    return np.full(shape[-1], whole.lo), np.full(shape[-1], whole.hi)
