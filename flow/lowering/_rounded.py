# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Sums whose factors were rounded, and the thresholds that decide as the exact sums do."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil

import numpy as np

from flow.integer import (
    Convolution,
    Dense,
    Flatten,
    Interval,
    MaxPool,
    Operation,
    Scale,
    SumPool,
    Threshold,
)
from flow.lowering._multipliers import Part
from flow.lowering._values import Rationals

__all__ = ["Rounded", "Term", "inherited"]

_GRAIN = 2**16  # an error is carried along in this fraction of a step


@dataclass(frozen=True, eq=False)
class Term:
    """What is added: in each channel scale * x for the integers x of a source."""

    source: str
    scale: Rationals
    interval: Interval


@dataclass(frozen=True, eq=False)
class Rounded:
    """Integers that are off.

    Attributes:
        unit: real value of an integer step.
        terms: of the exact sum; empty behind a layer that mixes sums.
        error: that an integer is off by at most, in steps.
    """

    unit: Fraction
    terms: tuple[Term, ...]
    error: Fraction

    @classmethod
    def of(cls, terms: Sequence[Term], largest: int) -> "Rounded":
        """Return the sum in the unit in which it reaches `largest`."""
        columns = list(zip(*(term.scale for term in terms), strict=True))
        spans = [term.interval.magnitude() for term in terms]
        unit = max(_dot(map(abs, column), spans) for column in columns) / largest
        lost = [[abs(w / unit - round(w / unit)) for w in column] for column in columns]
        error = max(_dot(column, spans) for column in lost)
        return cls(unit, tuple(terms), error)

    def parts(self, channel: int) -> list[Part]:
        """Return a channel's terms with their rounded weights."""
        return [
            Part(round(term.scale[channel] / self.unit), term.interval.lo, term.interval.hi)
            for term in self.terms
        ]

    def exact(self, channel: int, choice: Sequence[int]) -> Fraction:
        """Return the exact sum of a choice of the terms' integers, in steps."""
        worth = (term.scale[channel] * x for term, x in zip(self.terms, choice, strict=True))
        return sum(worth, Fraction(0)) / self.unit


def _dot(weights: Iterable[Fraction], spans: Iterable[int]) -> Fraction:
    return sum((w * s for w, s in zip(weights, spans, strict=True)), Fraction(0))


def inherited(operation: Operation, found: Sequence[Rounded], pixels: int) -> Rounded | None:
    """Return how far an operation's output is off if inputs of it are.

    Args:
        operation: any; thresholds are asked for their proof elsewhere, and are exact.
        found: of its inputs.
        pixels: of its input, if that is an image.
    """
    if not found or isinstance(operation, Threshold):
        return None
    first = found[0]
    if isinstance(operation, MaxPool):  # the largest is in a cut if and only if any is
        return first
    error = max(item.error for item in found)
    if isinstance(operation, Flatten):
        terms = [replace(term, scale=np.tile(term.scale, pixels)) for term in first.terms]
        return replace(first, terms=tuple(terms))
    if isinstance(operation, Convolution | Dense | SumPool | Scale):
        reach = ceil(error * _GRAIN)
        carried = operation.output_range(Interval(-reach, reach)).magnitude()
        return Rounded(first.unit, (), Fraction(carried, _GRAIN))
    return Rounded(first.unit, (), error)
