# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Sums of products: convolution and dense layer."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flow.errors import FlowError
from flow.integer._operation import (
    Integers,
    Operation,
    Padding,
    Shape,
    fitting_shape,
    windows,
)
from flow.integer.bounds import Interval, exact_float

__all__ = ["Convolution", "Dense"]


def _exact_product(
    rows: NDArray[np.int64], weights: Integers, values: Interval, name: str
) -> Integers:
    """Multiply int64[M, I] by int64[I, O] in BLAS, in a float that represents every sum."""
    largest = int(np.abs(weights).sum(axis=0).max(initial=0)) * values.magnitude()
    kind = exact_float(largest)
    if kind is None:
        raise FlowError(
            f"{name}: sums of up to {largest} are beyond 2**53; use narrower weights or inputs"
        )
    product: Integers = (rows.astype(kind) @ weights.astype(kind)).astype(np.int64)
    return product


def _actual_range(values: Integers) -> Interval:
    return Interval(int(values.min(initial=0)), int(values.max(initial=0)))


@dataclass(frozen=True, kw_only=True, eq=False)
class Convolution(Operation):
    """2-D convolution of int64[N, H, W, I] to int64[N, H', W', O].

    weights is int64[KH, KW, I / groups, O]: output o reads the inputs of its group
    o // (O / groups). Zero padding; H' = (H + top + bottom - KH) // stride + 1. A dilated kernel
    is given with its zeros.
    """

    weights: Integers
    stride: tuple[int, int] = (1, 1)
    padding: Padding = (0, 0, 0, 0)
    groups: int = 1

    @property
    def kernel(self) -> tuple[int, int]:
        """Return (KH, KW)."""
        return (self.weights.shape[0], self.weights.shape[1])

    @property
    def depthwise(self) -> bool:
        """Whether each output channel reads one input channel, and there are several."""
        return self.groups > 1 and self.weights.shape[2] == 1

    def output_shape(self, *shapes: Shape) -> Shape:
        """Return (H', W', O)."""
        (shape,) = shapes
        inputs, outputs = self.weights.shape[2] * self.groups, self.weights.shape[3]
        if len(shape) != 3 or shape[2] != inputs or outputs % self.groups:
            raise FlowError(f"{self.name}: input shape {shape} is not (H, W, {inputs})")
        height, width = fitting_shape(self.name, shape, self.kernel, self.stride, self.padding)
        return (height, width, outputs)

    def output_range(self, *ranges: Interval) -> Interval:
        """Bound every accumulator over all positions and channels."""
        (values,) = ranges
        padded = values.including_zero() if any(self.padding) else values
        return padded.of_products(self.matrix())

    def apply(self, *values: Integers) -> Integers:
        """Correlate by gathering windows and one exact matrix product a group."""
        (images,) = values
        shape = self.output_shape(images.shape[1:])
        found = windows(images, self.kernel, self.stride, self.padding)
        found = found.transpose(0, 1, 2, 4, 5, 3)  # N, H', W', KH, KW, I
        matrix, actual = self.matrix(), _actual_range(images)
        parts = []
        for inputs, outputs in zip(
            np.split(found, self.groups, axis=5), np.split(matrix, self.groups, axis=1), strict=True
        ):
            rows = inputs.reshape(-1, matrix.shape[0])
            parts.append(_exact_product(rows, outputs, actual, self.name))
        return np.concatenate(parts, axis=1).reshape(len(images), *shape)

    def matrix(self) -> Integers:
        """Return the weights as int64[KH * KW * I / groups, O]."""
        return self.weights.reshape(-1, self.weights.shape[3])


@dataclass(frozen=True, kw_only=True, eq=False)
class Dense(Operation):
    """Matrix product of int64[N, I] with weights int64[I, O]."""

    weights: Integers

    def output_shape(self, *shapes: Shape) -> Shape:
        """Return (O,)."""
        (shape,) = shapes
        if shape != self.weights.shape[:1]:
            raise FlowError(f"{self.name}: input shape {shape} is not ({self.weights.shape[0]},)")
        return (self.weights.shape[1],)

    def output_range(self, *ranges: Interval) -> Interval:
        """Bound every output."""
        return ranges[0].of_products(self.weights)

    def apply(self, *values: Integers) -> Integers:
        """Multiply exactly."""
        (rows,) = values
        self.output_shape(rows.shape[1:])
        return _exact_product(rows, self.weights, _actual_range(rows), self.name)
