# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The short list of integer operations that a classifier is lowered to."""

from dataclasses import dataclass

import numpy as np

from flow.errors import FlowError
from flow.integer._matrix import Convolution, Dense
from flow.integer._operation import IMAGE, Integers, Operation, Padding, Shape, windows
from flow.integer._places import Gather, Scale
from flow.integer._pooling import MaxPool, Pool, SumPool
from flow.integer.bounds import Interval

__all__ = [
    "IMAGE",
    "KINDS",
    "Add",
    "Bias",
    "Concat",
    "Convolution",
    "Dense",
    "Flatten",
    "Gather",
    "Integers",
    "MaxPool",
    "Operation",
    "Padding",
    "Pool",
    "Scale",
    "Shape",
    "SumPool",
    "Threshold",
    "Unflatten",
    "windows",
]


@dataclass(frozen=True, kw_only=True, eq=False)
class Threshold(Operation):
    """Count the thresholds of its channel that each value reaches: y = offset + step * #{t <= x}.

    thresholds is int64[C, T] (or [1, T] for all channels), ascending along T; channels are the
    last axis. This is FINN's MultiThreshold (Umuroglu and Jahre, arXiv:1709.04060). Bipolar
    values are offset -1, step 2 and one threshold. step is at least 1: engines rely on an output
    that never falls where the input rises.
    """

    thresholds: Integers
    offset: int
    step: int = 1

    def output_shape(self, *shapes: Shape) -> Shape:
        """Return the input's shape."""
        (shape,) = shapes
        if self.thresholds.shape[0] not in (1, shape[-1]):
            raise FlowError(
                f"{self.name}: {self.thresholds.shape[0]} rows of thresholds do not fit "
                f"{shape[-1]} channels"
            )
        self._refuse_descent()
        return shape

    def _refuse_descent(self) -> None:
        if self.step < 1:
            raise FlowError(
                f"{self.name}: the step {self.step} of thresholds is not at least 1; negate the "
                "weights before and after it"
            )
        falls = np.argwhere(np.diff(self.thresholds, axis=1) < 0)
        if len(falls):
            row, column = falls[0]
            pair = self.thresholds[row, column : column + 2]
            raise FlowError(
                f"{self.name}: thresholds do not ascend: {pair[0]} before {pair[1]} in channel "
                f"{row}; sort each channel's"
            )

    def output_range(self, *ranges: Interval) -> Interval:
        """Count the thresholds that the lowest and the highest input reach."""
        (values,) = ranges
        reached_by_all = int((self.thresholds <= values.lo).sum(axis=1).min())
        reached_by_any = int((self.thresholds <= values.hi).sum(axis=1).max())
        lowest, highest = self.step * reached_by_all, self.step * reached_by_any
        return Interval(self.offset + lowest, self.offset + highest)

    def apply(self, *values: Integers) -> Integers:
        """Compare with one level of thresholds at a time, which bounds the memory."""
        (found,) = values
        self.output_shape(found.shape[1:])
        count = np.full(found.shape, self.offset, dtype=np.int64)
        for level in self.thresholds.T:
            count += self.step * (found >= level)
        return count


@dataclass(frozen=True, kw_only=True, eq=False)
class Flatten(Operation):
    """Reshape int64[N, H, W, C] to int64[N, H*W*C], the channels innermost."""

    def output_shape(self, *shapes: Shape) -> Shape:
        """Return (H*W*C,)."""
        return (int(np.prod(shapes[0])),)

    def output_range(self, *ranges: Interval) -> Interval:
        """Return the input's range."""
        return ranges[0]

    def apply(self, *values: Integers) -> Integers:
        """Reshape."""
        (found,) = values
        return found.reshape(found.shape[0], int(np.prod(found.shape[1:])))


@dataclass(frozen=True, kw_only=True, eq=False)
class Unflatten(Flatten):
    """Reshape int64[N, C] to images of one pixel, int64[N, 1, 1, C]: a view, as its base."""

    def output_shape(self, *shapes: Shape) -> Shape:
        """Return (1, 1, C)."""
        if len(shapes[0]) != 1:
            raise FlowError(
                f"{self.name}: shape {shapes[0]} is not that of a vector; flatten it first"
            )
        return (1, 1, *shapes[0])

    def apply(self, *values: Integers) -> Integers:
        """Reshape."""
        self.output_shape(values[0].shape[1:])
        return values[0][:, None, None, :]


@dataclass(frozen=True, kw_only=True, eq=False)
class Add(Operation):
    """Sum of inputs of one shape, each times its own integer: y = sum_i factors[i] * x_i."""

    factors: tuple[int, ...]

    def output_shape(self, *shapes: Shape) -> Shape:
        """Return the inputs' shape."""
        if len(shapes) != len(self.factors) or len(set(shapes)) != 1:
            listed = ", ".join(map(str, shapes))
            raise FlowError(f"{self.name}: shapes {listed} are not {len(self.factors)} equal ones")
        return shapes[0]

    def output_range(self, *ranges: Interval) -> Interval:
        """Add the scaled ranges."""
        ends = [sorted((f * r.lo, f * r.hi)) for f, r in zip(self.factors, ranges, strict=True)]
        return Interval(sum(low for low, _ in ends), sum(high for _, high in ends))

    def apply(self, *values: Integers) -> Integers:
        """Add up."""
        self.output_shape(*(value.shape[1:] for value in values))
        total = np.zeros_like(values[0])
        for factor, value in zip(self.factors, values, strict=True):
            total += factor * value
        return total


@dataclass(frozen=True, kw_only=True, eq=False)
class Bias(Operation):
    """Add int64[C] (or [1]) to the channels: y = x + values."""

    values: Integers

    def output_shape(self, *shapes: Shape) -> Shape:
        """Return the input's shape."""
        (shape,) = shapes
        if self.values.shape not in ((1,), (shape[-1],)):
            raise FlowError(
                f"{self.name}: {self.values.shape} biases do not fit {shape[-1]} channels"
            )
        return shape

    def output_range(self, *ranges: Interval) -> Interval:
        """Shift the range by the smallest and the largest bias."""
        (found,) = ranges
        return Interval(found.lo + int(self.values.min()), found.hi + int(self.values.max()))

    def apply(self, *values: Integers) -> Integers:
        """Add."""
        self.output_shape(values[0].shape[1:])
        return values[0] + self.values


@dataclass(frozen=True, kw_only=True, eq=False)
class Concat(Operation):
    """Join inputs along an axis: the channels, which are the last, or 0 (height) or 1 (width)."""

    axis: int = -1

    def output_shape(self, *shapes: Shape) -> Shape:
        """Return the inputs' shape with their sizes along the axis summed."""
        rank = len(shapes[0])
        if self.axis not in (-1, 0, 1) or self.axis >= rank - 1:
            raise FlowError(
                f"{self.name}: axis {self.axis} of {shapes[0]} is neither the channels (-1) nor "
                "height (0) or width (1)"
            )
        place = self.axis % rank
        if len({(*shape[:place], *shape[place + 1 :]) for shape in shapes}) != 1:
            listed = ", ".join(map(str, shapes))
            raise FlowError(
                f"{self.name}: shapes {listed} differ in more than "
                f"{'their channels' if self.axis == -1 else f'axis {self.axis}'}"
            )
        total = sum(shape[place] for shape in shapes)
        return (*shapes[0][:place], total, *shapes[0][place + 1 :])

    def output_range(self, *ranges: Interval) -> Interval:
        """Return the hull of the ranges."""
        return Interval(min(r.lo for r in ranges), max(r.hi for r in ranges))

    def apply(self, *values: Integers) -> Integers:
        """Concatenate."""
        self.output_shape(*(value.shape[1:] for value in values))
        return np.concatenate(values, axis=self.axis if self.axis < 0 else self.axis + 1)


KINDS: dict[str, type[Operation]] = {
    kind.__name__: kind
    for kind in (
        *(Add, Bias, Concat, Convolution, Dense, Flatten, Gather),
        *(MaxPool, Scale, SumPool, Threshold, Unflatten),
    )
}
