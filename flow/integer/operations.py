# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The short list of integer operations that a classifier is lowered to."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from flow.errors import FlowError
from flow.integer.bounds import Interval, exact_float

__all__ = ["Convolution", "Dense", "Flatten", "Integers", "Operation", "Threshold"]

Integers = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Operation(ABC):
    """One integer operation; its name is that of the dataflow graph's node."""

    name: str

    @abstractmethod
    def apply(self, values: Integers) -> Integers:
        """Compute int64[N, ...] from int64[N, ...], exactly."""

    @abstractmethod
    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the output's shape without N; FlowError if the input's does not fit."""

    @abstractmethod
    def output_range(self, values: Interval) -> Interval:
        """Return bounds of every output value, given bounds of every input value."""


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
    """2-D convolution of int64[N, H, W, I] with weights int64[KH, KW, I, O] to int64[N, H', W', O].

    Zero padding (top, left, bottom, right); H' = (H + top + bottom - KH) // stride + 1.
    """

    weights: Integers
    stride: tuple[int, int]
    padding: tuple[int, int, int, int]

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return (H', W', O)."""
        kernel_h, kernel_w, inputs, outputs = self.weights.shape
        if len(shape) != 3 or shape[2] != inputs:
            raise FlowError(f"{self.name}: input shape {shape} is not (H, W, {inputs})")
        top, left, bottom, right = self.padding
        height = (shape[0] + top + bottom - kernel_h) // self.stride[0] + 1
        width = (shape[1] + left + right - kernel_w) // self.stride[1] + 1
        return (height, width, outputs)

    def output_range(self, values: Interval) -> Interval:
        """Bound every accumulator over all positions and channels."""
        padded = values.including_zero() if any(self.padding) else values
        return padded.of_products(self._matrix())

    def apply(self, values: Integers) -> Integers:
        """Correlate by gathering windows and one exact matrix product."""
        self.output_shape(values.shape[1:])
        top, left, bottom, right = self.padding
        padded = np.pad(values, ((0, 0), (top, bottom), (left, right), (0, 0)))
        kernel = self.weights.shape[:2]
        windows = sliding_window_view(padded, kernel, axis=(1, 2))
        windows = windows[:, :: self.stride[0], :: self.stride[1]]
        windows = windows.transpose(0, 1, 2, 4, 5, 3)  # N, H', W', KH, KW, I
        matrix = self._matrix()
        rows = windows.reshape(-1, matrix.shape[0])
        product = _exact_product(rows, matrix, _actual_range(values), self.name)
        return product.reshape(*windows.shape[:3], matrix.shape[1])

    def _matrix(self) -> Integers:
        return self.weights.reshape(-1, self.weights.shape[3])


@dataclass(frozen=True, kw_only=True, eq=False)
class Dense(Operation):
    """Matrix product of int64[N, I] with weights int64[I, O]."""

    weights: Integers

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return (O,)."""
        if shape != self.weights.shape[:1]:
            raise FlowError(f"{self.name}: input shape {shape} is not ({self.weights.shape[0]},)")
        return (self.weights.shape[1],)

    def output_range(self, values: Interval) -> Interval:
        """Bound every output."""
        return values.of_products(self.weights)

    def apply(self, values: Integers) -> Integers:
        """Multiply exactly."""
        self.output_shape(values.shape[1:])
        return _exact_product(values, self.weights, _actual_range(values), self.name)


@dataclass(frozen=True, kw_only=True, eq=False)
class Threshold(Operation):
    """Count, for each value, the thresholds of its channel that it reaches: y = offset + #{t <= x}.

    thresholds is int64[C, T] (or [1, T] for all channels), ascending along T; channels are the
    last axis. This is FINN's MultiThreshold (Umuroglu and Jahre, arXiv:1709.04060).
    """

    thresholds: Integers
    offset: int

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the input's shape."""
        if self.thresholds.shape[0] not in (1, shape[-1]):
            raise FlowError(
                f"{self.name}: {self.thresholds.shape[0]} rows of thresholds do not fit "
                f"{shape[-1]} channels"
            )
        return shape

    def output_range(self, values: Interval) -> Interval:
        """Count the thresholds that the lowest and the highest input reach."""
        reached_by_all = int((self.thresholds <= values.lo).sum(axis=1).min())
        reached_by_any = int((self.thresholds <= values.hi).sum(axis=1).max())
        return Interval(self.offset + reached_by_all, self.offset + reached_by_any)

    def apply(self, values: Integers) -> Integers:
        """Compare with one level of thresholds at a time, which bounds the memory."""
        self.output_shape(values.shape[1:])
        count = np.full(values.shape, self.offset, dtype=np.int64)
        for level in self.thresholds.T:
            count += values >= level
        return count


@dataclass(frozen=True, kw_only=True, eq=False)
class Flatten(Operation):
    """Reshape int64[N, H, W, C] to int64[N, H*W*C], the channels innermost."""

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return (H*W*C,)."""
        return (int(np.prod(shape)),)

    def output_range(self, values: Interval) -> Interval:
        """Return the input's range."""
        return values

    def apply(self, values: Integers) -> Integers:
        """Reshape."""
        return values.reshape(values.shape[0], -1)
