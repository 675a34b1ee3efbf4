# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Small multipliers for a weighted sum of bounded integers that keep its comparisons.

A sum W1 x1 + W2 x2 + ... in front of thresholds takes finitely many values. Other multipliers m
serve as well if each cut B has a cut t with (W x >= B) = (m x >= t) for every x in the ranges: all
m x whose W x is below B must be less than all others. That is computed, not estimated: for every
choice of the other parts, the last part's two values around the cut are compared. Two multipliers
are found in the Stern-Brocot tree on the way to W1 / W2: the ratios that serve are an open interval
around it, so that the first node that serves is the simplest ratio of all.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, prod

import numpy as np

from flow.integer.operations import Integers

__all__ = ["Multipliers", "Part", "smallest_multipliers", "why_none"]

_MOST = 2**23  # choices of the other parts, times cuts
_CHUNK = 16  # cuts that are compared at a time
_LARGEST = 2**16  # of two multipliers
_SIZES = 2**12  # of the largest of three or more
_CHEAP = 2**13  # choices times cuts that are compared for every size
_FAR = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Part:
    """A part of the sum: weight * x for all integers x in lo..hi."""

    weight: int
    lo: int
    hi: int

    @property
    def span(self) -> int:
        """Number of integers."""
        return self.hi - self.lo + 1

    def turned(self) -> "Part":
        """Return the part of -x if the weight is negative."""
        return self if self.weight > 0 else Part(-self.weight, -self.hi, -self.lo)


@dataclass(frozen=True)
class Multipliers:
    """What takes the weights' place.

    Attributes:
        values: of each part.
        cuts: cut of the weights -> that of the values.
        choices: values of all parts for which that is proven.
    """

    values: tuple[int, ...]
    cuts: dict[int, int]
    choices: int


def smallest_multipliers(parts: Sequence[Part], cuts: Sequence[int]) -> Multipliers | None:
    """Return small multipliers that keep every comparison with a cut; None if none are found.

    Args:
        parts: their weighted sum stays below 2**53.
        cuts: each B of sum >= B.
    """
    used = [place for place, part in enumerate(parts) if part.weight and part.span > 1]
    turned = [parts[place].turned() for place in used]
    spans = [part.span for part in turned]
    wanted = sorted(set(cuts))
    if not used or prod(spans) // max(spans) * len(wanted) > _MOST:
        return None
    fixed = sum(part.weight * part.lo for part in parts if part.span == 1)
    comparison = _Comparison(turned, np.array(wanted, dtype=np.int64) - fixed)
    found = _search([part.weight for part in turned], spans, comparison)
    if found is None:
        return None
    values = [0] * len(parts)
    for place, value in zip(used, found, strict=True):
        values[place] = value if parts[place].weight > 0 else -value
    new = comparison.cuts(found)
    assert new is not None
    return Multipliers(tuple(values), dict(zip(wanted, new, strict=True)), prod(spans))


def why_none(parts: Sequence[Part], cuts: Sequence[int]) -> str:
    """Say why smallest_multipliers finds none: too many sums, or two that collide at a cut."""
    used = [part for part in parts if part.weight and part.span > 1]
    if not used:
        return "a channel of it is constant"
    turned = [part.turned() for part in used]
    spans = [part.span for part in turned]
    count = prod(spans) // max(spans) * len(set(cuts))
    if count > _MOST:
        return f"{count:,} comparisons with thresholds are more than the {_MOST:,} that are made"
    fixed = sum(part.weight * part.lo for part in parts if part.span == 1)
    wanted = np.array(sorted(set(cuts)), dtype=np.int64) - fixed
    size = _LARGEST if len(turned) == 2 else _SIZES
    values = _rounded([part.weight for part in turned], size)
    found = _Comparison(turned, wanted).collision(values)
    if found is None:
        return f"none of the factors of at most {size} that were tried keep every decision"
    signs = [1 if part.weight > 0 else -1 for part in used]
    under, over = ([s * x for s, x in zip(signs, end, strict=True)] for end in found[1:])
    return (
        f"rounded to factors of at most {size}, its parts at {under}, below threshold "
        f"{found[0] + 1} of {len(wanted)}, and at {over}, which reach it, collide"
    )


def _rounded(weights: Sequence[int], size: int) -> tuple[int, ...]:
    """Return the weights in the unit that makes the largest of them `size`, rounded."""
    return tuple(round(Fraction(weight * size, max(weights))) for weight in weights)


class _Comparison:
    """Finds the cuts of other multipliers, if they keep the comparisons of the weights."""

    def __init__(self, parts: Sequence[Part], cuts: Integers) -> None:
        self.last = max(range(len(parts)), key=lambda place: parts[place].span)
        others = [part for place, part in enumerate(parts) if place != self.last]
        axes = np.meshgrid(*(np.arange(p.lo, p.hi + 1) for p in others), indexing="ij")
        self.choices = np.array([axis.reshape(-1) for axis in axes], dtype=np.int64)
        weights = np.array([part.weight for part in others], dtype=np.int64)
        sums = weights @ self.choices if others else np.zeros(1, dtype=np.int64)
        part = parts[self.last]
        first = -((sums - cuts[:, None]) // part.weight)  # x of the last part that reaches a cut
        self.first = np.clip(first, part.lo, part.hi + 1)
        self.reached, self.below = first <= part.hi, first > part.lo

    def cuts(self, values: Sequence[int]) -> list[int] | None:
        """Return the cut of the new sum for each cut; None if a comparison changes."""
        others = [value for place, value in enumerate(values) if place != self.last]
        sums = np.array(others, dtype=np.int64) @ self.choices if others else np.int64(0)
        found: list[int] = []
        for start in range(0, len(self.first), _CHUNK):
            rows = slice(start, start + _CHUNK)
            new = sums + values[self.last] * self.first[rows]
            least = np.where(self.reached[rows], new, _FAR).min(axis=1)
            below = np.where(self.below[rows], new - values[self.last], -_FAR).max(axis=1)
            if (below >= least).any():
                return None
            found += np.where(least < _FAR, least, below + 1).tolist()
        return found

    def collision(
        self, values: Sequence[int]
    ) -> tuple[int, tuple[int, ...], tuple[int, ...]] | None:
        """Return a cut's place, and a choice below and one above it that the values mix up."""
        others = [value for place, value in enumerate(values) if place != self.last]
        sums = np.array(others, dtype=np.int64) @ self.choices if others else np.int64(0)
        for row, first in enumerate(self.first):
            new = sums + values[self.last] * first
            least = np.where(self.reached[row], new, _FAR)
            below = np.where(self.below[row], new - values[self.last], -_FAR)
            if below.max() >= least.min():
                under = self._choice(row, int(below.argmax()), -1)
                return row, under, self._choice(row, int(least.argmin()), 0)
        return None

    def _choice(self, row: int, place: int, step: int) -> tuple[int, ...]:
        """Return the integers of all parts, the last one's next to a cut."""
        found = self.choices[:, place].tolist()
        found.insert(self.last, int(self.first[row, place]) + step)
        return tuple(found)


def _search(
    weights: Sequence[int], spans: Sequence[int], comparison: _Comparison
) -> tuple[int, ...] | None:
    """Return the smallest multipliers that serve, among the candidates of their number."""

    def serves(values: tuple[int, ...]) -> bool:
        return comparison.cuts(values) is not None

    if len(weights) == 1:
        return (1,)
    if len(weights) == 2:
        return _simplest_ratio(weights[0], weights[1], serves)
    cheap = comparison.first.size <= _CHEAP
    return next(filter(serves, _roundings(weights, spans, every=cheap)), None)


def _simplest_ratio(
    above: int, below: int, serves: Callable[[tuple[int, int]], bool]
) -> tuple[int, int] | None:
    """Return the first node that serves on the tree's way to above / below.

    Nodes of a run go towards the ratio from one side, so that those that serve are its last ones.
    """
    before, last = (0, 1), (1, 0)
    while below:
        steps, rest = divmod(above, below)
        room = [(_LARGEST - b) // step for b, step in zip(before, last, strict=True) if step]
        most = min(steps, *room)

        def node(
            step: int, start: tuple[int, int] = before, to: tuple[int, int] = last
        ) -> tuple[int, int]:
            return start[0] + step * to[0], start[1] + step * to[1]

        if most > 0 and serves(node(most)):
            low, high = 0, most  # node(low) does not serve, node(high) does
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (low, middle) if serves(node(middle)) else (middle, high)
            return node(high)
        if most < steps:
            return None
        before, last = last, node(steps)
        above, below = below, rest
    return None


def _roundings(
    weights: Sequence[int], spans: Sequence[int], *, every: bool
) -> Iterator[tuple[int, ...]]:
    """Yield multiples of the weights, rounded: all, or those nearer than all smaller ones."""
    exact = np.arange(1, _SIZES + 1)[:, None] * (np.array(weights) / max(weights))
    rounded = np.rint(exact)
    errors = (np.abs(rounded - exact) @ np.array(spans)) / np.arange(1, _SIZES + 1)
    best = np.inf
    for error, row in zip(errors, rounded.astype(np.int64), strict=True):
        if every or error < best:
            best = min(best, error)
            yield tuple(row.tolist())
    yield _rounded(weights, _SIZES)
    unit = gcd(*weights)
    if max(weights) // unit <= _LARGEST:
        yield tuple(weight // unit for weight in weights)
