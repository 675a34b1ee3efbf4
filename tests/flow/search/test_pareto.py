# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Fronts, their order and their volume, against counting."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from flow.search.pareto import front, hypervolume, ranking

POINTS = st.integers(1, 9).flatmap(
    lambda count: arrays(np.float64, (count, 3), elements=st.integers(0, 4).map(float))
)


def _dominates(one: np.ndarray, other: np.ndarray) -> bool:
    return bool((one >= other).all() and (one > other).any())


@given(POINTS)
def test_the_front_is_what_nothing_dominates(points: np.ndarray) -> None:
    free = {tuple(one) for one in points if not any(_dominates(other, one) for other in points)}
    assert [tuple(points[i]) for i in front(points)] == list(
        dict.fromkeys(tuple(one) for one in points if tuple(one) in free)
    )


@given(POINTS)
def test_the_ranking_holds_all_and_no_point_before_one_that_dominates_it(
    points: np.ndarray,
) -> None:
    order = ranking(points)
    assert sorted(order) == list(range(len(points)))
    for place, index in enumerate(order):
        assert not any(_dominates(points[later], points[index]) for later in order[place:])


@given(POINTS)
def test_the_volume_is_that_of_the_cells_that_are_dominated(points: np.ndarray) -> None:
    cells = np.stack(np.meshgrid(*[np.arange(4)] * 3), axis=-1).reshape(-1, 3)
    counted = sum(bool((points >= cell + 1).all(axis=1).any()) for cell in cells)
    assert hypervolume(points, (0.0, 0.0, 0.0)) == pytest.approx(counted)
