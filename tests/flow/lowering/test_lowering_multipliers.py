# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Small multipliers against all values of the parts."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flow.lowering._multipliers import Multipliers, Part, smallest_multipliers


def _keeps(parts: list[Part], found: Multipliers) -> bool:
    """Compare every cut for every choice of values."""
    for choice in product(*(range(part.lo, part.hi + 1) for part in parts)):
        before = sum(part.weight * x for part, x in zip(parts, choice, strict=True))
        after = sum(value * x for value, x in zip(found.values, choice, strict=True))
        if any((before >= cut) != (after >= new) for cut, new in found.cuts.items()):
            return False
    return True


def _parts(count: int, reach: int) -> st.SearchStrategy[list[Part]]:
    ends = st.tuples(st.integers(-reach, reach), st.integers(0, reach))
    part = st.builds(
        lambda weight, end: Part(weight, end[0], end[0] + end[1]),
        st.integers(-(2**30), 2**30),
        ends,
    )
    return st.lists(part, min_size=count, max_size=count)


@given(parts=_parts(2, 12), shares=st.lists(st.floats(-0.1, 1.1), min_size=1, max_size=5))
@settings(max_examples=150, deadline=None)
def test_two_parts_always_have_multipliers_of_their_spans(
    parts: list[Part], shares: list[float]
) -> None:
    found = smallest_multipliers(parts, _cuts(parts, shares))
    if found is None:
        assert not any(part.weight and part.span > 1 for part in parts)
        return
    assert _keeps(parts, found)
    assert max(map(abs, found.values)) <= max(1, sum(part.span for part in parts))


def _cuts(parts: list[Part], shares: list[float]) -> list[int]:
    ends = [sorted((part.weight * part.lo, part.weight * part.hi)) for part in parts]
    low, high = sum(end[0] for end in ends), sum(end[1] for end in ends)
    return [low + round(share * (high - low)) for share in shares]


@given(parts=_parts(3, 4), shares=st.lists(st.floats(0, 1), min_size=1, max_size=3))
@settings(max_examples=80, deadline=None)
def test_multipliers_of_three_parts_keep_every_comparison(
    parts: list[Part], shares: list[float]
) -> None:
    found = smallest_multipliers(parts, _cuts(parts, shares))
    assert found is None or _keeps(parts, found)


def test_no_smaller_ratio_serves() -> None:
    parts, cuts = [Part(1_000_003, 0, 15), Part(731_000, -8, 7)], [1, 5_000_000, 12_345_678]
    found = smallest_multipliers(parts, cuts)
    assert found is not None
    first, second = found.values
    for a, b in product(range(first + 1), range(second + 1)):
        if (a, b) != (first, second):
            smaller = [Part(a, 0, 15), Part(b, -8, 7)]
            assert not _separates(parts, smaller, cuts), (a, b)


def _separates(parts: list[Part], smaller: list[Part], cuts: list[int]) -> bool:
    for cut in cuts:
        below: list[int] = []
        reached: list[int] = []
        for choice in product(*(range(part.lo, part.hi + 1) for part in parts)):
            old, new = (
                sum(part.weight * x for part, x in zip(some, choice, strict=True))
                for some in (parts, smaller)
            )
            (reached if old >= cut else below).append(new)
        if max(below) >= min(reached):
            return False
    return True


def test_the_larger_of_two_far_weights_only_has_to_outweigh_the_other() -> None:
    found = smallest_multipliers([Part(10**9, 0, 3), Part(7, 0, 100)], [10**9, 2 * 10**9])
    assert found is not None
    assert found.values == (101, 1)


@pytest.mark.parametrize(
    "parts", [[Part(0, 0, 5), Part(3, 2, 2)], [Part(2**30 + i, 0, 4000) for i in range(3)]]
)
def test_nothing_is_returned_that_is_not_proven(parts: list[Part]) -> None:
    assert smallest_multipliers(parts, [2**31]) is None
