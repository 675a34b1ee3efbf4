# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Integers that lie so near to a rounding boundary that float32 may decide on the other side.

The integers are decided exactly. A float executor's sums are off by some 1e-6 of their size, so
that an integer this near to a boundary may get the level beside its own there.
"""

from collections.abc import Mapping
from fractions import Fraction

from flow.integer import Interval
from flow.lowering._staircase import Staircase
from flow.lowering._values import Value

__all__ = ["near_ties", "tie_notes"]

_NEAR = Fraction(1, 2**20)  # of an integer: how near counts; float32's step is 2**-24
_EXACT = 2**24  # odd numerators up to this are float32's
_SHOWN = 3


def near_ties(staircase: Staircase, value: Value, interval: Interval) -> int:
    """Return how many thresholds, of all channels, have an integer this near to their boundary.

    Not counted are those at which float32 computes exactly (scales and sums of 24 bits), and sums
    beyond 24 bits, among which are many more integers than sums.

    Args:
        staircase: of the value.
        value: without functions before it.
        interval: the range of its integers.
    """
    if interval.magnitude() > _EXACT:
        return 0
    return sum(
        _near(Fraction(numerator, denominator), value, channel, interval)
        for channel in range(value.channels)
        if value.scale[channel]
        for numerators, denominator in [staircase.bounds(channel)]
        for numerator in numerators
    )


def _near(bound: Fraction, value: Value, channel: int, interval: Interval) -> bool:
    scale, offset = value.scale[channel], value.offset[channel]
    place = (bound - offset) / scale
    nearest = round(place)
    if not interval.lo <= nearest <= interval.hi:
        return False
    if abs(place - nearest) > _NEAR * max(abs(nearest), 1):
        return False
    limit = interval.magnitude()
    return not (_is_short(scale, limit) and _is_short(offset) and _is_short(bound))


def _is_short(number: Fraction, times: int = 1) -> bool:
    """Say whether float32 holds a number, and its multiples up to so many times."""
    numerator, denominator = abs(number.numerator), number.denominator
    odd = numerator // (numerator & -numerator or 1)
    return denominator & (denominator - 1) == 0 and odd * times < _EXACT


def tie_notes(found: Mapping[str, tuple[int, int]]) -> list[str]:
    """Return what to say of quantizers: name -> thresholds near to a tie, and all of them."""
    near = {name: counts[0] for name, counts in found.items() if counts[0]}
    if not near:
        return []
    most = sorted(near, key=lambda name: -near[name])
    names = ", ".join(f"{name} ({near[name]:,})" for name in most[:_SHOWN])
    others = f" and {len(near) - _SHOWN} more" if len(near) > _SHOWN else ""
    total = sum(counts[1] for counts in found.values())
    return [
        f"{sum(near.values()):,} of {total:,} thresholds have a sum within 1e-6 of a tie, of "
        f"{names}{others}: decided exactly here, while a float32 executor's rounding may give the "
        "level beside it"
    ]
