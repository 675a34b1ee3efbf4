# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Interval bounds of many boxes in one call: both ends are channels of a network of their own.

The lower end of a sum takes the lower ends where weights are positive and the upper ends where they
are negative, the upper end the reverse; thresholds and maxima keep order, so that each end goes
through as it is. The last layer is the differences of every two of its rows.
"""

import numpy as np
from numpy.typing import NDArray

from flow.classifier import Images, Labels
from flow.errors import FlowError
from flow.integer.graph import IntegerGraph
from flow.integer.native.engine import NativeNetwork
from flow.integer.operations import (
    IMAGE,
    Bias,
    Convolution,
    Dense,
    Flatten,
    Integers,
    MaxPool,
    Operation,
    Threshold,
)

__all__ = ["IntervalNetwork", "interval_network"]

_MOST_CLASSES = 32  # whose square is the outputs


class IntervalNetwork:
    """Bounds of one network's margins; safe to call from several threads at once."""

    def __init__(self, both: IntegerGraph, classes: int, threads: int | None) -> None:
        """Take a network of both ends; see interval_network."""
        self._classes, self._engine = classes, NativeNetwork(both, threads=threads)

    def margins(self, low: Images, high: Images, labels: Labels) -> NDArray[np.int32]:
        """Return lower bounds int32[N, K] of logit[label] - logit[j] over low <= x <= high.

        Args:
            low: uint8[N, H, W, C], the lowest image of each box.
            high: the highest.
            labels: int64[N], whose logit it is.
        """
        found = self._engine.logits(np.concatenate([low, high], axis=3))
        pairs = found.reshape(len(low), self._classes, self._classes)
        own: NDArray[np.int32] = pairs[np.arange(len(low)), labels]
        return own


def interval_network(
    network: IntegerGraph, *, threads: int | None = None
) -> IntervalNetwork | None:
    """Return bounds by the native engine; None where they would not be those of one sum a layer.

    It takes chains of ungrouped sums with thresholds between them, of up to 32 classes.

    Args:
        network: to bound.
        threads: of one call, as of NativeNetwork.
    """
    if not _is_chain(network) or network.classes > _MOST_CLASSES:
        return None
    height, width, channels = network.input_shape
    operations = tuple(_Ends(network).operations())
    try:
        both = IntegerGraph(operations, (height, width, 2 * channels))
    except FlowError:  # differences that do not fit 32 bits
        return None
    return IntervalNetwork(both, network.classes, threads)


def _is_chain(network: IntegerGraph) -> bool:
    """Whether each operation reads the one before, and no sum another's, and the last is one."""
    before, summed = IMAGE, False
    for operation in network.operations:
        if network.sources[operation.name] != (before,):
            return False
        match operation:
            case Convolution(groups=groups):
                fits, summed = groups == 1 and not summed, True
            case Dense():
                fits, summed = not summed, True
            case Threshold():
                fits, summed = True, False
            case _:
                fits = isinstance(operation, MaxPool | Flatten | Bias)
        if not fits:
            return False
        before = operation.name
    return any(isinstance(op, Dense) for op in network.operations[-2:]) and summed


class _Ends:
    """Translates a chain; both ends of a pixel's channels lie side by side, in a vector as well."""

    def __init__(self, network: IntegerGraph) -> None:
        self.network, self.channels = network, network.input_shape[2]

    def operations(self) -> list[Operation]:
        last = [op.name for op in self.network.operations if isinstance(op, Dense)][-1]
        found: list[Operation] = []
        differences = False
        for operation in self.network.operations:
            differences |= operation.name == last
            found.append(self._both(operation, differences))
            if isinstance(operation, Convolution | Dense):
                self.channels = self.network.shapes[operation.name][-1]
        return found

    def _both(  # noqa: PLR0911 - one a kind
        self, operation: Operation, differences: bool
    ) -> Operation:
        name = operation.name
        match operation:
            case Convolution(weights=weights, stride=stride, padding=padding):
                both = np.concatenate([_lower(weights), _upper(weights)], axis=3)
                return Convolution(name=name, weights=both, stride=stride, padding=padding)
            case Dense(weights=weights):
                split = weights.reshape(-1, self.channels, weights.shape[1])
                if differences:
                    split = split[:, :, :, None] - split[:, :, None, :]
                    ends = _lower(split.reshape(*split.shape[:2], -1))
                else:
                    ends = np.concatenate([_lower(split), _upper(split)], axis=2)
                return Dense(name=name, weights=ends.reshape(-1, ends.shape[2]))
            case Bias(values=values) if differences:
                rows = np.broadcast_to(values, self.network.classes)
                return Bias(name=name, values=(rows[:, None] - rows).ravel())
            case Bias(values=values):
                return Bias(name=name, values=self._twice(values))
            case Threshold(thresholds=rows, offset=offset, step=step):
                twice = self._twice(rows)
                return Threshold(name=name, thresholds=twice, offset=offset, step=step)
            case MaxPool(kernel=kernel, stride=stride, padding=padding):
                return MaxPool(name=name, kernel=kernel, stride=stride, padding=padding)
            case _:
                return Flatten(name=name)

    def _twice(self, rows: Integers) -> Integers:
        """Return what belongs to channels for both of their ends; a single row is for all."""
        if len(rows) == 1:
            return rows
        parts = rows.reshape(-1, self.channels, *rows.shape[1:])
        return np.concatenate([parts, parts], axis=1).reshape(-1, *rows.shape[1:])


def _lower(weights: Integers) -> Integers:
    """Return [.., 2 I, O] of [.., I, O]: what gives the lower ends."""
    return np.concatenate([np.maximum(weights, 0), np.minimum(weights, 0)], axis=-2)


def _upper(weights: Integers) -> Integers:
    return np.concatenate([np.minimum(weights, 0), np.maximum(weights, 0)], axis=-2)
