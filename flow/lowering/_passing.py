# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The integers from which on a value reaches a bound, through functions and clamps."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

from flow.integer import Interval
from flow.lowering._growing import Growing, Piecewise
from flow.lowering._reach import Cut, Reach, Undecided
from flow.lowering._refusal import Refusal
from flow.lowering._values import Curve, Value

__all__ = ["first_integer", "values_of"]

_PRECISIONS = (80, 160, 320, 640)  # bits
_Stage = tuple[Fraction, Fraction, Any, Any, Growing | None]  # scale, offset, lo, hi, then function


def first_integer(
    value: Value,
    channel: int,
    cut: Cut,
    interval: Interval,
    first: Callable[[Cut], int] = Cut.first_integer,
) -> int:
    """Return the smallest integer of the interval whose value is in; interval.hi + 1 if none is.

    Args:
        value: a channel of it does not fall.
        channel: which.
        cut: of the value.
        interval: the range of the source's integers.
        first: the smallest integer in a cut of the source; Undecided if it is too wide.

    Raises:
        Refusal: the value at an integer is too near to the cut to tell.
    """
    stages = list(_stages(value, channel))
    for bits in _PRECISIONS:
        try:
            place = _walk(stages, cut, bits)
            found = place if isinstance(place, bool) else first(place)
        except Undecided:
            continue
        if isinstance(found, bool):
            return interval.lo if found else interval.hi + 1
        return min(max(found, interval.lo), interval.hi + 1)
    raise Refusal(
        f"channel {channel} comes within 2**-{_PRECISIONS[-1]} of a decision of its quantizer, at "
        f"about {float(cut.lo):g}",
        "change the quantizer's scale a little",
    )


def _stages(value: Value, channel: int) -> Iterator[_Stage]:
    """Yield what is done to a channel's integer, the last first."""
    yield _stage(value, channel, None)
    for curve in reversed(value.curves):
        yield _stage(curve, channel, curve.functions[channel])


def _stage(part: Value | Curve, channel: int, function: Growing | None) -> _Stage:
    own = (part.scale[channel], part.offset[channel], part.lo[channel], part.hi[channel])
    return (*own, function)


def _walk(stages: list[_Stage], cut: Cut, bits: int) -> Reach:
    """Return the source's integers that are in."""
    falls = False
    for scale, offset, lowest, highest, function in stages:
        found: Reach = cut if function is None else _through(function, cut, bits)
        if isinstance(found, Cut):
            found = _affine(found, scale, offset, (lowest, highest))
        if isinstance(found, bool):
            return found != falls
        falls ^= scale < 0
        cut = found
    assert not falls
    return cut


def _through(function: Growing, cut: Cut, bits: int) -> Reach:
    """Return where a function is in."""
    if cut.lo == cut.hi:
        return function.reach(cut.lo, bits, inclusive=cut.inclusive)
    first, last = (function.reach(end, bits, inclusive=True) for end in (cut.lo, cut.hi))
    if first == last:
        return first
    if isinstance(first, bool) or isinstance(last, bool):
        raise Undecided
    return Cut(first.lo, last.hi, inclusive=False)


def _affine(cut: Cut, scale: Fraction, offset: Fraction, ends: tuple[Any, Any]) -> Reach:
    """Return where clamp(scale * x + offset) is in; its complement if the scale is negative."""
    if cut.holds(ends[0]):
        return True
    if not cut.holds(ends[1]):
        return False
    return cut.affine(scale, offset) if scale else cut.holds(offset)


def values_of(value: Value, channel: int, interval: Interval) -> list[Fraction] | None:
    """Return the value at each integer; None if one of its functions has no rational values."""
    stages = list(_stages(value, channel))[::-1]
    if not all(function is None or isinstance(function, Piecewise) for *_, function in stages):
        return None
    found = []
    for integer in range(interval.lo, interval.hi + 1):
        place = Fraction(integer)
        for scale, offset, lowest, highest, function in stages:
            place = min(max(scale * place + offset, lowest), highest)
            if isinstance(function, Piecewise):
                place = function.at(place)
        found.append(place)
    return found
