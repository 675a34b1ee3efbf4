# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Quantizers as staircases, and staircases of an affine value as integer thresholds.

A staircase has levels first, first + 1, ...; its step k is taken where the value is above bound k,
or reaches it if the step is inclusive. Everything is exact: a bound is numerator / denominator.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import floor, lcm

import numpy as np

from flow.integer import Interval
from flow.integer.operations import Integers
from flow.lowering._near_sums import Collision, TooMany, cut_of_rounded
from flow.lowering._passing import first_integer
from flow.lowering._reach import Cut, at_least
from flow.lowering._refusal import Refusal
from flow.lowering._rounded import Rounded
from flow.lowering._values import INFINITY, Value

__all__ = ["ROUNDINGS", "Staircase", "integer_thresholds", "round_steps", "uniform"]

Half = tuple[int, bool]  # twice a bound, and whether it is inclusive


def _half_even(level: int) -> Half:
    return 2 * level - 1, level % 2 == 0


def _half_up(level: int) -> Half:  # halves away from zero
    return 2 * level - 1, level > 0


def _half_down(level: int) -> Half:  # halves towards zero
    return 2 * level - 1, level <= 0


def _floor(level: int) -> Half:
    return 2 * level, True


def _ceil(level: int) -> Half:
    return 2 * level - 2, False


def _up(level: int) -> Half:  # away from zero
    return _ceil(level) if level > 0 else _floor(level)


def _down(level: int) -> Half:  # towards zero
    return _floor(level) if level > 0 else _ceil(level)


ROUNDINGS: dict[str, Callable[[int], Half]] = {
    "ROUND": _half_even,
    "HALF_EVEN": _half_even,
    "HALF_UP": _half_up,
    "HALF_DOWN": _half_down,
    "FLOOR": _floor,
    "CEIL": _ceil,
    "UP": _up,
    "DOWN": _down,
    "ROUND_TO_ZERO": _down,
}


def round_steps(mode: str) -> Callable[[int], Half]:
    """Return where a rounding mode of qonnx reaches a level.

    Raises:
        Refusal: an unknown mode.
    """
    if mode.upper() not in ROUNDINGS:
        raise Refusal(
            f"rounding_mode {mode!r} is unknown",
            f"use one of {', '.join(ROUNDINGS)}",
            structural=True,
        )
    return ROUNDINGS[mode.upper()]


@dataclass(frozen=True)
class Staircase:
    """Levels of each channel; see the module.

    Attributes:
        first: the lowest level.
        inclusive: of each step.
        bounds: channel -> (numerators, ascending, one a step; denominator).
    """

    first: int
    inclusive: tuple[bool, ...]
    bounds: Callable[[int], tuple[Sequence[int], int]]

    @property
    def steps(self) -> int:
        """Number of steps."""
        return len(self.inclusive)

    def within(self, start: int, stop: int) -> "Staircase":
        """Return the steps start..stop - 1 alone: lower ones are always taken, others never."""

        def bounds(channel: int) -> tuple[Sequence[int], int]:
            numerators, denominator = self.bounds(channel)
            return numerators[start:stop], denominator

        return replace(
            self, first=self.first + start, inclusive=self.inclusive[start:stop], bounds=bounds
        )

    def taken(self, channel: int, value: Fraction) -> int:
        """Return how many steps a channel's value takes."""
        numerators, denominator = self.bounds(channel)
        scaled = value * denominator
        count = bisect_left(numerators, scaled)
        while count < self.steps and numerators[count] == scaled and self.inclusive[count]:
            count += 1
        return count


def uniform(
    levels: range,
    reach: Callable[[int], Half],
    scale: Sequence[Fraction],
    zero: Sequence[Fraction],
) -> Staircase:
    """Return the staircase of clamp(round(value / scale + zero)) for each channel."""
    halves = [reach(level) for level in levels[1:]]

    def bounds(channel: int) -> tuple[Sequence[int], int]:
        step, point = scale[channel], zero[channel]
        shift, factor = 2 * point.numerator, point.denominator
        numerators = [(half * factor - shift) * step.numerator for half, _ in halves]
        return numerators, 2 * factor * step.denominator

    return Staircase(levels[0], tuple(inclusive for _, inclusive in halves), bounds)


def integer_thresholds(
    staircase: Staircase, value: Value, interval: Interval, rounded: Rounded | None = None
) -> Integers:
    """Return int64[C, T]: the smallest integers x at which the channels' steps are taken.

    They are clamped to interval.lo (always taken) and interval.hi + 1 (never taken).

    Args:
        staircase: of the value.
        value: no channel falls.
        interval: the range of x.
        rounded: how x is off, if it is a sum whose factors were rounded.

    Raises:
        Refusal: a value behind a function is too near to a step to tell, or rounded sums on both
            sides of a step cannot be told apart.
    """
    if rounded is not None:
        rows = [
            _rounded_row(staircase, value, channel, interval, rounded)
            for channel in range(value.channels)
        ]
        return np.array(rows, dtype=np.int64).reshape(value.channels, staircase.steps)
    row = _curved_row if value.curves else _row
    rows = [row(staircase, value, channel, interval) for channel in range(value.channels)]
    return np.array(rows, dtype=np.int64).reshape(value.channels, staircase.steps)


def _curved_row(staircase: Staircase, value: Value, channel: int, interval: Interval) -> list[int]:
    cuts = _cuts(staircase, channel)
    return [first_integer(value, channel, cut, interval) for cut in cuts]


def _cuts(staircase: Staircase, channel: int) -> list[Cut]:
    numerators, denominator = staircase.bounds(channel)
    steps = zip(numerators, staircase.inclusive, strict=True)
    return [at_least(Fraction(n, denominator), inclusive=inclusive) for n, inclusive in steps]


def _rounded_row(
    staircase: Staircase, value: Value, channel: int, interval: Interval, rounded: Rounded
) -> list[int]:
    """Return the thresholds with which rounded sums take the steps that the exact ones take."""
    parts = rounded.parts(channel)

    def first(cut: Cut) -> int:
        if cut.hi + rounded.error < interval.lo or cut.lo - rounded.error > interval.hi:
            return floor(cut.lo)  # beyond all sums, on its side
        return cut_of_rounded(
            parts, rounded.error, cut, lambda choice: cut.holds(rounded.exact(channel, choice))
        )

    try:
        cuts = _cuts(staircase, channel)
        return [first_integer(value, channel, cut, interval, first) for cut in cuts]
    except TooMany as error:
        raise Refusal(
            f"in channel {channel} the scales of the {len(parts)} branches that are added before "
            "it have no common unit, and too many of their sums are near to a decision to compare "
            "them",
            "quantize the branches with one shared quantizer, or with fewer bits",
        ) from error
    except Collision as error:
        raise Refusal(
            f"in channel {channel} the scales of the branches that are added before it have no "
            f"common unit, and their integers {list(error.below)} and {list(error.reached)}, on "
            "two sides of a decision, have one sum of 52 bits",
            "quantize the branches with one shared quantizer",
        ) from error


def _row(staircase: Staircase, value: Value, channel: int, interval: Interval) -> list[int]:
    numerators, denominator = staircase.bounds(channel)
    scale, offset = value.scale[channel], value.offset[channel]
    always, never = interval.lo, interval.hi + 1
    lowest, highest = value.lo[channel], value.hi[channel]
    if not scale:
        constant = min(max(offset, lowest), highest)
        taken = staircase.taken(channel, constant)
        return [always] * taken + [never] * (staircase.steps - taken)
    from_below = 0 if lowest == -INFINITY else staircase.taken(channel, lowest)
    from_above = staircase.steps if highest == INFINITY else staircase.taken(channel, highest)
    # scale * x + offset >= n / d  <=>  x >= (n * factor - shift) / divisor
    common = lcm(denominator, offset.denominator)
    factor = (common // denominator) * scale.denominator
    shift = offset.numerator * (common // offset.denominator) * scale.denominator
    divisor = common * scale.numerator
    row = [
        -((shift - n * factor) // divisor) if inclusive else (n * factor - shift) // divisor + 1
        for n, inclusive in zip(numerators, staircase.inclusive, strict=True)
    ]
    middle = [min(max(t, always), never) for t in row[from_below:from_above]]
    return [always] * from_below + middle + [never] * (staircase.steps - from_above)
