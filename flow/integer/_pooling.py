# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Pooling; an average is a sum, whose divisor belongs to the scale or to the next thresholds."""

from dataclasses import dataclass

import numpy as np

from flow.errors import FlowError
from flow.integer._operation import (
    Integers,
    Operation,
    Padding,
    Shape,
    fitting_shape,
    windows,
)
from flow.integer.bounds import Interval

__all__ = ["MaxPool", "Pool", "SumPool"]

_LOWEST = np.iinfo(np.int64).min


@dataclass(frozen=True, kw_only=True, eq=False)
class Pool(Operation):
    """Reduce windows of int64[N, H, W, C] to int64[N, H', W', C], each channel alone.

    Each side's padding is smaller than the window, so that every window holds a value.
    """

    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: Padding = (0, 0, 0, 0)

    def output_shape(self, *shapes: Shape) -> Shape:
        """Return (H', W', C)."""
        (shape,) = shapes
        output = fitting_shape(self.name, shape, self.kernel, self.stride, self.padding)
        if any(pad >= self.kernel[side % 2] for side, pad in enumerate(self.padding)):
            raise FlowError(
                f"{self.name}: padding {self.padding} (top, left, bottom, right) is not smaller "
                f"than its window of {self.kernel[0]}x{self.kernel[1]}; pad less"
            )
        return (*output, shape[2])


class MaxPool(Pool):
    """Maximum of each window; padding never wins."""

    def output_range(self, *ranges: Interval) -> Interval:
        """Return the input's range."""
        return ranges[0]

    def apply(self, *values: Integers) -> Integers:
        """Reduce, one place of the window at a time."""
        (images,) = values
        self.output_shape(images.shape[1:])
        found = windows(images, self.kernel, self.stride, self.padding, fill=_LOWEST)
        result: Integers = found.max(axis=(4, 5))
        return result


class SumPool(Pool):
    """Sum of each window; padding counts as 0."""

    def output_range(self, *ranges: Interval) -> Interval:
        """Return the window's size times the input's range."""
        size = self.kernel[0] * self.kernel[1]
        values = ranges[0].including_zero() if any(self.padding) else ranges[0]
        return Interval(values.lo * size, values.hi * size)

    def apply(self, *values: Integers) -> Integers:
        """Add up."""
        (images,) = values
        self.output_shape(images.shape[1:])
        result: Integers = windows(images, self.kernel, self.stride, self.padding).sum(axis=(4, 5))
        return result
