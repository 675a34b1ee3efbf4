# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Sums near to a cut, against trying all of them."""

from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flow.lowering._multipliers import Part
from flow.lowering._near_sums import Collision, TooMany, cut_of_rounded, near_sums
from flow.lowering._reach import at_least

_PARTS = st.lists(
    st.builds(
        lambda weight, lo, more: Part(weight, lo, lo + more),
        st.integers(-60, 60),
        st.integers(-7, 7),
        st.integers(0, 9),
    ),
    min_size=1,
    max_size=4,
)


def _all(parts: list[Part]) -> list[tuple[int, ...]]:
    return list(product(*(range(part.lo, part.hi + 1) for part in parts)))


def _sum(parts: list[Part], choice: tuple[int, ...]) -> int:
    return sum(part.weight * x for part, x in zip(parts, choice, strict=True))


@given(parts=_PARTS, lowest=st.integers(-99, 99), room=st.integers(0, 20))
@settings(max_examples=200, deadline=None)
def test_near_sums_are_all_those_of_the_interval(parts: list[Part], lowest: int, room: int) -> None:
    wanted = [c for c in _all(parts) if lowest <= _sum(parts, c) <= lowest + room]
    assert sorted(near_sums(parts, lowest, lowest + room)) == wanted


@pytest.mark.parametrize("weights", [(2**50 - 1, 2**50 - 3), (2**49 + 7, -(2**50)), (3, 2**51)])
def test_wide_parts_are_searched_in_few_steps(weights: tuple[int, int]) -> None:
    parts = [Part(weights[0], -(2**20), 2**20), Part(weights[1], -(2**20), 2**20)]
    choice = (123_457, -99_991)
    total = _sum(parts, choice)
    assert choice in list(near_sums(parts, total - 1, total + 1))


@given(
    weights=st.lists(st.fractions(1, 9, max_denominator=50), min_size=2, max_size=3),
    cut=st.fractions(-20, 60, max_denominator=50),
    size=st.integers(1, 12),
)
@settings(max_examples=200, deadline=None)
def test_a_cut_of_rounded_sums_decides_as_the_exact_ones(
    weights: list[Fraction], cut: Fraction, size: int
) -> None:
    scaled = [weight * size for weight in weights]
    parts = [Part(round(weight), -2, 5) for weight in scaled]
    error = sum((abs(w - round(w)) * 5 for w in scaled), Fraction(0))

    def reached(choice: tuple[int, ...]) -> bool:
        return sum((w * x for w, x in zip(scaled, choice, strict=True)), Fraction(0)) >= cut * size

    choices = _all(parts)
    below = max((_sum(parts, c) for c in choices if not reached(c)), default=-(10**6))
    first = min((_sum(parts, c) for c in choices if reached(c)), default=10**6)
    if below >= first:
        with pytest.raises(Collision) as collision:
            cut_of_rounded(parts, error, at_least(cut * size), reached)
        one, other = collision.value.below, collision.value.reached
        assert not reached(one)
        assert reached(other)
        assert _sum(parts, one) >= _sum(parts, other)
        return
    assert below < cut_of_rounded(parts, error, at_least(cut * size), reached) <= first


def test_too_many_choices_are_not_tried() -> None:
    wide = Part(5, 0, 2**17)
    with pytest.raises(TooMany):
        next(near_sums([wide, wide, wide], 0, 9))
    with pytest.raises(TooMany):
        cut_of_rounded([Part(0, 0, 2**17)], Fraction(1), at_least(Fraction(0)), lambda _: True)
