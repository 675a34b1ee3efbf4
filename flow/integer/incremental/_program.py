# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""An integer network as nodes that add up changes; its outputs are margins, one label a variant."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from flow.errors import FlowError
from flow.integer._operation import Padding, spatial_shape
from flow.integer.bounds import Interval
from flow.integer.network import IntegerNetwork
from flow.integer.operations import (
    IMAGE,
    Add,
    Bias,
    Concat,
    Convolution,
    Dense,
    Flatten,
    Gather,
    Integers,
    MaxPool,
    Operation,
    Pool,
    Scale,
    SumPool,
    Threshold,
    Unflatten,
)
from flow.integer.taken import taken_rows

__all__ = ["Linear", "MaxNode", "Node", "Program", "Source", "ThresholdNode", "make_program"]

_NARROW, _WIDE = 2**30, 2**62  # twice the largest sum has to fit 32 or 64 bits
_WEIGHT = 2**31  # weights are 32 bits


@dataclass(frozen=True, kw_only=True, eq=False)
class Source:
    """How one input reaches the sums of a node; `Source` of src/program.hpp.

    Attributes:
        node: number of the input's node.
        entries: int64[E, 3], (input position, output element, row of weights).
        weights: int64[V, W], flat rows, one set a variant.
    """

    node: int
    channels: int
    positions: int
    length: int
    group: int
    group_step: int
    entries: Integers
    weights: Integers


@dataclass(frozen=True, kw_only=True, eq=False)
class Node:
    """The image, or the base of the others: `channels` are innermost in `size` values."""

    size: int
    channels: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Linear(Node):
    """A sum over sources; base is int64[V, size]."""

    sources: tuple[Source, ...]
    base: Integers


@dataclass(frozen=True, kw_only=True, eq=False)
class ThresholdNode(Node):
    """A Threshold of node `source`."""

    source: int
    operation: Threshold


@dataclass(frozen=True, kw_only=True, eq=False)
class MaxNode(Node):
    """Maxima over positions; pairs is int64[E, 2], (input position, output position)."""

    source: int
    positions: int
    pairs: Integers


@dataclass(frozen=True)
class Program:
    """Nodes in order, the image first, the margins last; wide: sums need 64 bits."""

    nodes: tuple[Node, ...]
    wide: bool


def make_program(network: IntegerNetwork) -> Program:
    """Translate a network; the last node of variant y is logit[y] - logit[j] for each class j.

    Raises:
        FlowError: a sum may pass 2**62, or a weight 2**31.
    """
    return _Translation(network).program()


@dataclass
class _Translation:
    network: IntegerNetwork
    nodes: list[Node] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)
    largest: int = 0

    def program(self) -> Program:
        network = self.network
        height, width, channels = network.input_shape
        self._append(IMAGE, Node(size=height * width * channels, channels=channels))
        ranges, fused = network.ranges(), self._fused()
        for operation in network.operations[: len(network.operations) - len(fused)]:
            self._translate(operation, [ranges[n] for n in network.sources[operation.name]])
        self._margins(fused, ranges)
        if self.largest >= _WIDE:
            raise FlowError(
                f"incremental engine: sums of up to {self.largest} are not below 2**62; "
                "use narrower weights"
            )
        self._refuse_weights()
        return Program(tuple(self.nodes), wide=self.largest >= _NARROW)

    def _refuse_weights(self) -> None:
        linear = (node for node in self.nodes if isinstance(node, Linear))
        for source in (source for node in linear for source in node.sources):
            largest = int(np.abs(source.weights).max(initial=0))
            if largest >= _WEIGHT:
                raise FlowError(
                    f"incremental engine: a weight of {largest} does not fit 32 bits; use narrower "
                    "weights"
                )

    def _append(self, name: str, node: Node) -> None:
        self.numbers[name] = len(self.nodes)
        self.nodes.append(node)

    def _fused(self) -> tuple[Operation, ...]:
        """Return the operations at the end that become the margins: a dense layer and biases."""
        network = self.network
        for index in range(len(network.operations) - 1, -1, -1):
            operation = network.operations[index]
            alone = index == len(network.operations) - 1 or _only_reader(network, operation, index)
            if isinstance(operation, Dense) and alone:
                return network.operations[index:]
            if not isinstance(operation, Bias) or not alone:
                break
        return ()

    def _margins(self, fused: tuple[Operation, ...], ranges: dict[str, Interval]) -> None:
        """Append all differences of logits: W[y] - W[j] of the last layer where there is one."""
        network, classes = self.network, self.network.classes
        if fused:
            assert isinstance(fused[0], Dense)
            weights, source = fused[0].weights, network.sources[fused[0].name][0]
            bias = sum(
                (np.broadcast_to(one.values, (classes,)) for one in fused if isinstance(one, Bias)),
                start=np.zeros(classes, np.int64),
            )
        else:
            weights, source = np.eye(classes, dtype=np.int64), network.output
            bias = np.zeros(classes, np.int64)
        differences = weights.T[:, :, None] - weights[None]  # [label, input, class]
        base = bias[:, None] - bias[None]
        wide = int(np.abs(differences).sum(axis=1).max()) * ranges[source].magnitude()
        self._measure(wide + int(np.abs(base).max(initial=0)))
        found = _dense(self.numbers[source], differences)
        self._append("margins", Linear(size=classes, channels=classes, sources=(found,), base=base))

    def _measure(self, largest: int) -> None:
        self.largest = max(self.largest, largest)

    def _translate(self, operation: Operation, read: list[Interval]) -> None:
        network = self.network
        names = network.sources[operation.name]
        sources = [self.numbers[name] for name in names]
        shapes = [network.shapes[name] for name in names]
        shape = network.shapes[operation.name]
        size, channels = int(np.prod(shape)), shape[-1]
        self._measure(network.ranges()[operation.name].magnitude())
        match operation:
            case Flatten() | Unflatten():
                self.numbers[operation.name] = sources[0]
            case Threshold():
                self._append(
                    operation.name,
                    ThresholdNode(
                        size=size, channels=channels, source=sources[0], operation=operation
                    ),
                )
            case MaxPool():
                pairs = _window_pairs(shapes[0], operation)
                positions = int(np.prod(shapes[0][:-1]))
                self._append(
                    operation.name,
                    MaxNode(
                        size=size,
                        channels=channels,
                        source=sources[0],
                        positions=positions,
                        pairs=pairs[:, :2],
                    ),
                )
            case _:
                found, base = _sums(operation, sources, shapes, shape)
                self._measure(_largest(operation, read))
                base = np.broadcast_to(base, (size // channels, channels)).reshape(1, -1)
                self._append(
                    operation.name,
                    Linear(size=size, channels=channels, sources=tuple(found), base=base),
                )


def _only_reader(network: IntegerNetwork, operation: Operation, index: int) -> bool:
    """Whether only the next operation reads this one."""
    return network.readers(operation.name) == [network.operations[index + 1]]


def _largest(operation: Operation, read: list[Interval]) -> int:
    """Bound the sum of the magnitudes of all products of one output."""
    match operation:
        case Convolution(weights=weights):
            return int(np.abs(weights).sum(axis=(0, 1, 2)).max()) * read[0].magnitude()
        case Dense(weights=weights):
            return int(np.abs(weights).sum(axis=0).max()) * read[0].magnitude()
        case SumPool(kernel=kernel):
            return kernel[0] * kernel[1] * read[0].magnitude()
        case Bias(values=values):
            return read[0].magnitude() + int(np.abs(values).max())
        case Add(factors=factors):
            return sum(abs(f) * one.magnitude() for f, one in zip(factors, read, strict=True))
        case _:
            return max(one.magnitude() for one in read)


def _sums(  # noqa: PLR0911 - one a kind
    operation: Operation,
    nodes: list[int],
    shapes: list[tuple[int, ...]],
    shape: tuple[int, ...],
) -> tuple[list[Source], Integers]:
    """Return the sources of a sum, and its base by channels int64[channels]."""
    zero = np.zeros(shape[-1], np.int64)
    match operation:
        case Dense(weights=weights):
            return [_dense(nodes[0], weights[None])], zero
        case Convolution():
            return [_convolution(nodes[0], shapes[0], operation)], zero
        case SumPool():
            triples = _window_pairs(shapes[0], operation)
            return [_elementwise(nodes[0], shapes[0], triples[:, :2], shape[-1])], zero
        case Bias(values=values):
            same = _same_positions(shapes[0])
            return [_elementwise(nodes[0], shapes[0], same, shape[-1])], zero + values
        case Add(factors=factors):
            same = _same_positions(shape)
            return [
                _elementwise(node, shape, same, shape[-1], factor=factor)
                for node, factor in zip(nodes, factors, strict=True)
            ], zero
        case Concat(axis=-1):
            return list(_joined(nodes, shapes, shape[-1])), zero
        case Concat() | Gather() | Scale():
            return list(_taken(operation, nodes, shapes, shape[-1])), zero
        case other:
            raise AssertionError(other)


def _dense(node: int, weights: Integers) -> Source:
    """Return the source of a matrix product with int64[V, I, O]."""
    variants, inputs, outputs = weights.shape
    return Source(
        node=node,
        channels=inputs,
        positions=1,
        length=outputs,
        group=inputs,
        group_step=0,
        entries=np.zeros((1, 3), np.int64),
        weights=weights.reshape(variants, -1),
    )


def _convolution(node: int, shape: tuple[int, ...], operation: Convolution) -> Source:
    height, width, inputs, outputs = operation.weights.shape
    groups, channels = operation.groups, shape[2]
    length = outputs // groups
    by_group = operation.weights.reshape(height, width, inputs, groups, length)
    rows = by_group.transpose(0, 1, 3, 2, 4)  # KH, KW, group, input, output: a row an input channel
    triples = _window_pairs(shape, operation)
    entries = triples * [1, outputs, channels * length]
    return Source(
        node=node,
        channels=channels,
        positions=shape[0] * shape[1],
        length=length,
        group=inputs,
        group_step=length,
        entries=entries,
        weights=rows.reshape(1, -1),
    )


def _elementwise(
    node: int,
    shape: tuple[int, ...],
    pairs: Integers,
    channels: int,
    *,
    factor: int = 1,
    first: int = 0,
) -> Source:
    """Return the source that adds each channel times `factor` to a channel of its own.

    The channels begin at channel `first` of `channels`; pairs are of positions.
    """
    entries = np.stack([pairs[:, 0], pairs[:, 1] * channels + first, 0 * pairs[:, 0]], axis=1)
    return Source(
        node=node,
        channels=shape[-1],
        positions=int(np.prod(shape[:-1])),
        length=1,
        group=1,
        group_step=1,
        entries=entries,
        weights=np.full((1, shape[-1]), factor, np.int64),
    )


def _same_positions(shape: tuple[int, ...]) -> Integers:
    places = np.arange(int(np.prod(shape[:-1])), dtype=np.int64)
    return np.stack([places, places], axis=1)


def _joined(nodes: list[int], shapes: list[tuple[int, ...]], channels: int) -> Iterable[Source]:
    first = 0
    for node, shape in zip(nodes, shapes, strict=True):
        yield _elementwise(node, shape, _same_positions(shape), channels, first=first)
        first += shape[-1]


def _taken(
    operation: Concat | Gather | Scale,
    nodes: list[int],
    shapes: list[tuple[int, ...]],
    channels: int,
) -> Iterable[Source]:
    """Yield the sources of pixels that are rows of inputs, each times a factor."""
    taken = taken_rows(operation, shapes)
    factors, kind = np.unique(taken[:, 2], return_inverse=True)
    pixels = np.arange(len(taken))
    entries = np.stack([taken[:, 1], pixels * channels, kind * channels], axis=1)
    for number, (node, shape) in enumerate(zip(nodes, shapes, strict=True)):
        yield Source(
            node=node,
            channels=channels,
            positions=int(np.prod(shape)) // channels,
            length=1,
            group=1,
            group_step=1,
            entries=entries[taken[:, 0] == number],
            weights=factors.repeat(channels).reshape(1, -1),
        )


def _window_pairs(shape: tuple[int, ...], operation: Convolution | Pool) -> Integers:
    """Return int64[E, 3]: input position, output position, place in the window; no padding."""
    padding: Padding = operation.padding
    kernel, stride = operation.kernel, operation.stride
    rows, columns = spatial_shape(shape, kernel, stride, padding)
    found: list[NDArray[np.int64]] = []
    for place in range(kernel[0] * kernel[1]):
        down, right = divmod(place, kernel[1])
        y = np.arange(rows) * stride[0] + down - padding[0]
        x = np.arange(columns) * stride[1] + right - padding[1]
        inside = ((y >= 0) & (y < shape[0]))[:, None] & ((x >= 0) & (x < shape[1]))
        source = (y[:, None] * shape[1] + x)[inside]
        target = (np.arange(rows)[:, None] * columns + np.arange(columns))[inside]
        found.append(np.stack([source, target, np.full_like(source, place)], axis=1))
    return np.concatenate(found)
