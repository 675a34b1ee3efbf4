# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Lines below and above a staircase of thresholds, with dyadic slopes and exact intercepts.

On an interval a staircase t is at least (p * x + q) / 2**b for any slope p >= 0 where q is the
least of 2**b * t(x) - p * x, which it takes at the right end of a step; the line above takes the
greatest, at the left end of one. So every slope is sound, and no rounding enters a proof.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flow.integer import Threshold
from flow.integer.operations import Integers

__all__ = ["MOST_BITS", "Line", "Staircases", "chosen_slopes"]

MOST_BITS = 40  # of a slope behind the point
_SHARES_8 = (0, 2, 4, 6, 8, 10, 12, 16, 24)  # eighths of the secant's slope that are tried


@dataclass(frozen=True, kw_only=True, eq=False)
class Line:
    """(slope * x + intercept) / 2**bits for each unit: int64[U] each, slopes at least 0."""

    slope: Integers
    intercept: Integers
    bits: int


class Staircases:
    """The steps that the units of a threshold operation have within their intervals.

    Attributes:
        low: int64[U], the lowest input of each unit.
        high: int64[U], the highest.
        start: int64[U, T + 2], where step j begins and step j - 1 has ended; equal neighbours: no
            input is on that step.
        value: int64[T + 1], of each step.
    """

    def __init__(self, operation: Threshold, low: Integers, high: Integers, unit: Integers) -> None:
        """Cut the steps of the channels unit % C, given the intervals int64[U] of those units."""
        rows = operation.thresholds
        own = rows[unit % len(rows)]
        ends = low[:, None], high[:, None] + 1
        self.low, self.high = low, high
        self.start = np.concatenate([ends[0], own.clip(*ends), ends[1]], axis=1)
        self.value = operation.offset + operation.step * np.arange(own.shape[1] + 1)

    def below(self, slope: Integers, bits: int) -> Line:
        """Return the highest line of each slope that is nowhere above the staircase."""
        found = self._differences(slope, bits, self.start[:, 1:] - 1, np.iinfo(np.int64).max)
        return Line(slope=slope, intercept=found.min(axis=1), bits=bits)

    def above(self, slope: Integers, bits: int) -> Line:
        """Return the lowest line of each slope that is nowhere below the staircase."""
        found = self._differences(slope, bits, self.start[:, :-1], np.iinfo(np.int64).min)
        return Line(slope=slope, intercept=found.max(axis=1), bits=bits)

    def secants(self) -> NDArray[np.float64]:
        """Return the slopes from the first to the last value, to choose others by; they prove none.

        0 where a unit has one input only.
        """
        taken = self.start[:, :-1] < self.start[:, 1:]
        first, last = taken.argmax(axis=1), taken.shape[1] - 1 - taken[:, ::-1].argmax(axis=1)
        rise, width = self.value[last] - self.value[first], self.high - self.low
        return np.asarray(rise / np.maximum(width, 1))

    def _differences(self, slope: Integers, bits: int, at: Integers, empty: int) -> Integers:
        taken = self.start[:, :-1] < self.start[:, 1:]
        found = (self.value << bits) - slope[:, None] * at
        return np.where(taken, found, empty)


def chosen_slopes(stairs: Staircases, precision: int) -> tuple[Line, Line]:
    """Return lines below and above whose distance from the staircase is small at the middle.

    Args:
        stairs: of each unit.
        precision: bits of the steepest secant; what fewer cost is tightness, never soundness.
    """
    secants = stairs.secants()
    steepest = float(secants.max(initial=0.0))
    if not steepest:
        flat = np.zeros(len(stairs.low), np.int64)
        return stairs.below(flat, 0), stairs.above(flat, 0)
    bits = min(MOST_BITS, max(0, precision - 1 - int(np.floor(np.log2(steepest)))))
    tried = [np.rint(secants * 2.0**bits * share / 8).astype(np.int64) for share in _SHARES_8]
    middle = stairs.low + stairs.high  # twice
    below = [stairs.below(slope, bits) for slope in tried]
    above = [stairs.above(slope, bits) for slope in tried]
    heights = [
        np.stack([2 * o.intercept + o.slope * middle for o in one]) for one in (below, above)
    ]
    best = heights[0].argmax(axis=0), heights[1].argmin(axis=0)
    return _picked(below, best[0]), _picked(above, best[1])


def _picked(lines: list[Line], best: NDArray[np.intp]) -> Line:
    units = np.arange(len(best))
    return Line(
        slope=np.stack([one.slope for one in lines])[best, units],
        intercept=np.stack([one.intercept for one in lines])[best, units],
        bits=lines[0].bits,
    )
