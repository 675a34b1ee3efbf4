# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""From where on a growing function reaches a bound, in rationals that enclose it."""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

__all__ = ["ALWAYS", "Cut", "Reach", "Undecided", "above", "at_least", "beyond"]


class Undecided(Exception):  # noqa: N818 - it ends as a Refusal
    """The enclosure of a cut is too wide to compare it."""


@dataclass(frozen=True)
class Cut:
    """All numbers from a point on; the point is in lo..hi, and itself in if inclusive.

    A point that is no rational is strictly inside, and then inclusive means nothing.
    """

    lo: Fraction
    hi: Fraction
    inclusive: bool

    def holds(self, value: Fraction | float) -> bool:
        """Whether a number (or an infinity) is in.

        Raises:
            Undecided: it lies within the enclosure.
        """
        if value > self.hi or value < self.lo:
            return value > self.hi
        if self.lo == self.hi:
            return self.inclusive
        raise Undecided

    def first_integer(self) -> int:
        """Return the smallest integer that is in; Undecided if the enclosure does not tell."""
        if self.lo == self.hi:
            return ceil(self.lo) if self.inclusive else floor(self.lo) + 1
        if floor(self.lo) != floor(self.hi) or self.lo == floor(self.lo):
            raise Undecided
        return floor(self.lo) + 1

    def affine(self, scale: Fraction, offset: Fraction) -> "Cut":
        """Return {x: scale * x + offset is in}, or its complement if the scale is negative."""
        ends = sorted(((self.lo - offset) / scale, (self.hi - offset) / scale))
        return Cut(ends[0], ends[1], self.inclusive if scale > 0 else not self.inclusive)


Reach = Cut | bool  # True: everywhere, False: nowhere
ALWAYS = True


def at_least(point: Fraction, *, inclusive: bool = True) -> Cut:
    """Return all numbers from a rational point on."""
    return Cut(point, point, inclusive)


def above(point: Fraction) -> Cut:
    """Return all numbers above a rational point."""
    return Cut(point, point, inclusive=False)


def beyond(lo: Fraction, hi: Fraction) -> Cut:
    """Return all numbers above a point strictly between two rationals."""
    return Cut(lo, hi, inclusive=False)
