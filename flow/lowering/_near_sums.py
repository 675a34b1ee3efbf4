# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Weighted sums of bounded integers that come near to a cut, found without trying them all.

Rounding the weights of a sum moves it by at most a known error, so that only sums within that error
of a cut can be decided otherwise. Of two parts, m x + n y comes into an interval where m x modulo n
does: the first such x is found as in Euclid's algorithm, in a logarithmic number of steps. Of more
parts, all but the two of the largest spans are enumerated.
"""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import product
from math import ceil, floor, prod

from flow.lowering._multipliers import Part
from flow.lowering._reach import Cut

__all__ = ["Collision", "TooMany", "cut_of_rounded", "near_sums"]

_MOST = 2**16  # sums near to one cut that are decided one by one, and choices of further parts


class TooMany(Exception):  # noqa: N818 - it ends as a Refusal
    """More sums would have to be looked at than are."""


class Collision(Exception):  # noqa: N818 - it ends as a Refusal
    """Two choices of the parts, below a cut and in it, whose rounded sums do not tell them apart.

    Attributes:
        below, reached: the integers of the parts.
    """

    def __init__(self, below: tuple[int, ...], reached: tuple[int, ...]) -> None:
        super().__init__(below, reached)
        self.below, self.reached = below, reached


def cut_of_rounded(
    parts: Sequence[Part],
    error: Fraction,
    cut: Cut,
    holds: Callable[[tuple[int, ...]], bool],
) -> int:
    """Return the integer from which on rounded sums are in the cut, for every choice of the parts.

    Args:
        parts: with the rounded weights.
        error: that a rounded sum is off by at most.
        cut: of the exact sums.
        holds: whether the exact sum of a choice is in.

    Raises:
        Collision: no integer does it.
        TooMany: too many sums are within the error of the cut.
    """
    lowest, highest = ceil(cut.lo - error), floor(cut.hi + error)
    below, reached = lowest - 1, highest + 1
    who: dict[int, tuple[int, ...]] = {}
    for count, choice in enumerate(near_sums(parts, lowest, highest)):
        if count >= _MOST:
            raise TooMany
        total = sum(part.weight * x for part, x in zip(parts, choice, strict=True))
        if holds(choice):
            reached = min(reached, total)
        else:
            below = max(below, total)
        who.setdefault(2 * total + holds(choice), choice)
    if below >= reached:
        raise Collision(who[2 * below], who[2 * reached + 1])
    return below + 1


def near_sums(parts: Sequence[Part], lowest: int, highest: int) -> Iterator[tuple[int, ...]]:
    """Yield every choice of the parts' integers whose sum is in lowest..highest.

    Raises:
        TooMany: the parts beyond two have too many choices.
    """
    order = sorted(
        range(len(parts)), key=lambda place: -parts[place].span * bool(parts[place].weight)
    )
    pair, others = order[:2], order[2:]
    if prod(parts[place].span for place in others) > _MOST:
        raise TooMany
    for choice in product(*(_span(parts[place]) for place in others)):
        fixed = sum(parts[p].weight * x for p, x in zip(others, choice, strict=True))
        for two in _of_two([parts[place] for place in pair], lowest - fixed, highest - fixed):
            found = dict(zip((*pair, *others), (*two, *choice), strict=True))
            yield tuple(found[place] for place in range(len(parts)))


def _span(part: Part) -> range:
    return range(part.lo, part.hi + 1)


def _of_two(parts: Sequence[Part], lowest: int, highest: int) -> Iterator[tuple[int, ...]]:
    """Yield the choices of at most two parts whose sum is in lowest..highest."""
    if len(parts) < 2:
        yield from ((x,) for x in _within(parts[0], lowest, highest))
        return
    first, second = parts
    for x in _candidates(first, second, lowest, highest):
        rest = first.weight * x
        yield from ((x, y) for y in _within(second, lowest - rest, highest - rest))


def _within(part: Part, lowest: int, highest: int) -> range:
    """Return the part's integers whose product with the weight is in lowest..highest."""
    if not part.weight:
        return _span(part) if lowest <= 0 <= highest else range(0)
    turned = part.weight < 0
    low, high = (-highest, -lowest) if turned else (lowest, highest)
    size = abs(part.weight)
    return range(max(part.lo, -(-low // size)), min(part.hi, high // size) + 1)


def _candidates(first: Part, second: Part, lowest: int, highest: int) -> Iterator[int]:
    """Yield the first part's integers for which some integer of the second, in no range, does."""
    size, room = abs(second.weight), highest - lowest
    if not size or room >= size - 1:
        yield from _span(first)
        return
    step, start = -first.weight % size, first.lo
    while start <= first.hi:
        target = (first.weight * start - highest) % size
        moved = 0 if target + room >= size else _first_in(step, size, target, target + room)
        if moved is None or start + moved > first.hi:
            return
        yield start + moved
        start += moved + 1


def _first_in(step: int, size: int, low: int, high: int) -> int | None:
    """Return the smallest x >= 0 with low <= step * x mod size <= high; None if there is none."""
    if low == 0:
        return 0
    if step == 0:
        return None
    if 2 * step > size:  # else the remainders may fall by one at a time
        return _first_in(size - step, size, size - high, size - low)
    turns = -(-low // step)
    if step * turns <= high:
        return turns
    found = _first_in(-size % step, step, low % step, high % step)
    return None if found is None else -(-(low + size * found) // step)
