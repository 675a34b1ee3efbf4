# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What depends on the place in an image: taking places, and a factor for each."""

from dataclasses import dataclass

import numpy as np

from flow.errors import FlowError
from flow.integer._operation import Integers, Operation, Shape
from flow.integer.bounds import Interval

__all__ = ["Gather", "Scale"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Gather(Operation):
    """Take places of an image, each any number of times: y[i, j] = x[places[i, j]].

    A place is a number of a row of `channels` values, counted through the input in its order
    (channels innermost), so that a crop, a stride, a repetition and another view of the same
    values are one operation. places is int64[H', W'].
    """

    places: Integers
    channels: int

    def output_shape(self, *shapes: Shape) -> Shape:
        """Return (H', W', channels)."""
        (shape,) = shapes
        values = int(np.prod(shape))
        if self.channels < 1 or values % self.channels:
            raise FlowError(
                f"{self.name}: input {shape} is not made of rows of {self.channels} values"
            )
        lowest, highest = int(self.places.min(initial=0)), int(self.places.max(initial=-1))
        if self.places.ndim != 2 or lowest < 0 or not 0 <= highest < values // self.channels:
            raise FlowError(
                f"{self.name}: places {lowest} to {highest} of shape {self.places.shape} are not "
                f"rows and columns of the {values // self.channels} that input {shape} has"
            )
        return (*self.places.shape, self.channels)

    def output_range(self, *ranges: Interval) -> Interval:
        """Return the input's range."""
        return ranges[0]

    def apply(self, *values: Integers) -> Integers:
        """Take."""
        (found,) = values
        self.output_shape(found.shape[1:])
        return found.reshape(len(found), -1, self.channels)[:, self.places]


@dataclass(frozen=True, kw_only=True, eq=False)
class Scale(Operation):
    """Multiply the places of int64[N, H, W, C] by int64[H, W]: y[i, j] = factors[i, j] * x[i, j].

    No factor is negative, so that an output never falls where the input rises.
    """

    factors: Integers

    def output_shape(self, *shapes: Shape) -> Shape:
        """Return the input's shape."""
        (shape,) = shapes
        if shape[:-1] != self.factors.shape or self.factors.min(initial=0) < 0:
            raise FlowError(
                f"{self.name}: factors of shape {self.factors.shape} from "
                f"{self.factors.min(initial=0)} on are not one of at least 0 for each place of "
                f"{shape}"
            )
        return shape

    def output_range(self, *ranges: Interval) -> Interval:
        """Return the range times the factors, of which the ends are at the ends."""
        (found,) = ranges
        ends = (int(self.factors.min()), int(self.factors.max()))
        products = [factor * value for factor in ends for value in (found.lo, found.hi)]
        return Interval(min(products), max(products))

    def apply(self, *values: Integers) -> Integers:
        """Multiply."""
        (found,) = values
        self.output_shape(found.shape[1:])
        return found * self.factors[..., None]
