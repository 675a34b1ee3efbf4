# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The shift of thresholds, against trying every shift."""

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from brevitas_models.exact import best_shift

TRIED = np.linspace(-0.5, 0.5, 2001)


def _margin(thresholds: np.ndarray, shift: float) -> float:
    moved = thresholds + shift
    return float(np.abs(moved - np.rint(moved)).min())


@given(st.lists(st.floats(-50, 50), min_size=1, max_size=15))
@example([0.45, 0.55])  # the widest gap holds an integer: from 0.55 round to 1.45
@example([0.9, 0.1])
@example([3.0])
@example([0.25, 0.75])
def test_no_shift_takes_the_thresholds_farther_from_the_integers(values: list[float]) -> None:
    thresholds = np.array(values)
    shift = best_shift(thresholds)
    assert -0.5 <= shift <= 0.5
    assert _margin(thresholds, shift) >= max(_margin(thresholds, one) for one in TRIED) - 1e-9


def test_a_gap_that_holds_an_integer_is_left_alone() -> None:
    assert abs(best_shift(np.array([0.45, 0.55]))) < 1e-12
