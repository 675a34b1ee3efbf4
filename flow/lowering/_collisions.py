# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Which values of several scales integer factors of a limited size cannot tell apart.

The factors are the scales in the finest unit that the limit allows, rounded. Two values collide if
the factors make one integer of them, or change their order. All values are compared.
Where no two collide, a value still moves by what is rounded: a threshold between its two places
decides otherwise.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise, product
from math import lcm, prod

from flow.integer import Interval

__all__ = ["Term", "of_places", "of_sums"]

_MOST = 2**16  # values that are looked at


@dataclass(frozen=True)
class Term:
    """An operand: scale * x + offset for all integers x of an interval."""

    scale: Fraction
    interval: Interval
    offset: Fraction = Fraction(0)

    @property
    def span(self) -> range:
        """Its integers."""
        return range(self.interval.lo, self.interval.hi + 1)

    def worth(self, x: int) -> str:
        """Return the real value of an integer in six digits, and the integer."""
        return f"{float(self.scale * x + self.offset):.6g} (integer {x})"


@dataclass(frozen=True)
class _Point:
    """A value in exact and in rounded units, and the integers that it comes from."""

    exact: int
    rounded: int
    choice: tuple[int, ...]


def of_sums(terms: Sequence[Term], limit: int) -> str:
    """Say in a clause which sums of the terms collide at factors of at most `limit`."""
    count = prod(len(term.span) for term in terms)
    if count > _MOST:
        return _too_many(count)

    def say(choice: Sequence[int]) -> str:
        return " + ".join(term.worth(x) for term, x in zip(terms, choice, strict=True))

    grid = _Grid([term.scale for term in terms], limit)
    return grid.clause(product(*(term.span for term in terms)), say)


def of_places(terms: Sequence[Term], limit: int) -> str:
    """Say in a clause which values of the terms collide at factors of at most `limit`."""
    count = sum(len(term.span) for term in terms)
    if count > _MOST:
        return _too_many(count)

    def say(choice: Sequence[int]) -> str:
        place = choice.index(1, len(terms)) - len(terms)
        return f"{terms[place].worth(choice[place])} of input {place}"

    shifts = [term.offset - terms[0].offset for term in terms]
    grid = _Grid([*(term.scale for term in terms), *shifts], limit)
    return grid.clause(_single(terms), say)


def _single(terms: Sequence[Term]) -> Iterator[tuple[int, ...]]:
    """Yield the integers of one term after the other, each with a 1 for its offset."""
    for place, term in enumerate(terms):
        before, after = (0,) * place, (0,) * (len(terms) - 1 - place)
        for x in term.span:
            yield (*before, x, *after, *before, 1, *after)


def _too_many(count: int) -> str:
    return f"its {count:,} values are more than the {_MOST:,} among which a collision is looked for"


class _Grid:
    """Amounts as exact integers, and rounded to at most a limit."""

    def __init__(self, amounts: Sequence[Fraction], limit: int) -> None:
        self.denominator = lcm(*(amount.denominator for amount in amounts))
        self.exact = [int(amount * self.denominator) for amount in amounts]
        self.unit = Fraction(max(map(abs, self.exact)), limit)
        self.factors = [round(amount / self.unit) for amount in self.exact]

    def clause(
        self, choices: Iterable[tuple[int, ...]], say: Callable[[Sequence[int]], str]
    ) -> str:
        """Name two choices that collide, else the one that moves most."""
        ordered = sorted(map(self._point, choices), key=lambda point: point.exact)
        for one, other in pairwise(ordered):
            if one.exact < other.exact and one.rounded >= other.rounded:
                apart = float(Fraction(other.exact - one.exact, self.denominator))
                alike = one.rounded == other.rounded
                return (
                    f"{say(one.choice)} and {say(other.choice)} are {apart:.3g} apart and "
                    f"{'become one integer' if alike else 'change their order'}, so that "
                    "a threshold between them is lost"
                )
        worst = max(ordered, key=self._moved)
        distance = float(self._moved(worst) / self.denominator)
        return (
            f"no two of its {len(ordered):,} values collide, but {say(worst.choice)} moves by "
            f"{distance:.3g}, past any threshold that is nearer"
        )

    def _point(self, choice: tuple[int, ...]) -> _Point:
        exact = sum(a * x for a, x in zip(self.exact, choice, strict=True))
        rounded = sum(a * x for a, x in zip(self.factors, choice, strict=True))
        return _Point(exact, rounded, choice)

    def _moved(self, point: _Point) -> Fraction:
        return abs(point.rounded * self.unit - point.exact)
