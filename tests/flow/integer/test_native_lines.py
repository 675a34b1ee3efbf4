# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Thresholds as lines: counted for every value of small ranges."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from flow.integer import Interval
from flow.integer.native.lines import fit_lines


def _counts(lines: tuple[np.ndarray, np.ndarray], values: np.ndarray, levels: int) -> np.ndarray:
    slope, start = lines
    found = values.astype(slope.dtype) * slope[:, None] + start[:, None]
    return found.clip(0, levels).astype(np.int64)


@settings(max_examples=200, deadline=None)
@given(
    first=st.floats(-600, 600),
    spacing=st.floats(0.0, 90),
    levels=st.integers(1, 40),
    low=st.integers(-400, 300),
    width=st.integers(0, 500),
)
def test_a_line_that_is_found_counts_every_value(
    first: float, spacing: float, levels: int, low: int, width: int
) -> None:
    thresholds = np.ceil(first + spacing * np.arange(levels)).astype(np.int64)[None]
    values = np.arange(low, low + width + 1)
    lines = fit_lines(thresholds.clip(low, low + width + 1), Interval(low, low + width))
    if lines is not None:
        expected = (thresholds[:, :, None] <= values).sum(axis=1)
        assert (_counts(lines, values, levels) == expected).all()


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), levels=st.sampled_from([3, 7, 15, 255]))
def test_uniform_quantizers_have_lines(seed: int, levels: int) -> None:
    rng = np.random.default_rng(seed)
    first, spacing = rng.uniform(-3000, 3000, (64, 1)), rng.uniform(2, 500, (64, 1))
    thresholds = np.ceil(first + spacing * np.arange(levels)).astype(np.int64)
    bounds = Interval(-60000, 60000)
    assert fit_lines(thresholds.clip(bounds.lo, bounds.hi + 1), bounds) is not None


def test_uneven_thresholds_have_no_line() -> None:
    assert fit_lines(np.array([[0, 10, 100]]), Interval(-10, 200)) is None


def test_one_channel_without_a_line_leaves_none() -> None:
    assert fit_lines(np.array([[0, 10, 20], [0, 10, 100]]), Interval(-10, 200)) is None
