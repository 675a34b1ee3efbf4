# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Bounds of accumulators where padding brings a zero that the values do not have."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flow.integer import Convolution, Interval, MaxPool, SumPool
from flow.integer.operations import Padding

LIMITS = st.tuples(st.integers(-9, 9), st.integers(0, 6)).map(lambda p: Interval(p[0], sum(p)))
PADDINGS = st.sampled_from([(0, 0, 0, 0), (1, 1, 1, 1), (0, 1, 0, 0), (0, 0, 1, 0)])


def _convolution(padding: Padding) -> Convolution:
    codes = np.random.default_rng(0).integers(-3, 4, (2, 2, 2, 3))
    return Convolution(name="c", inputs=("x",), weights=codes, padding=padding)


def _extremes(values: Interval) -> np.ndarray:
    """Images whose every place is one end of the interval, in every pattern of 2 x 2."""
    bits = (np.arange(256)[:, None] >> np.arange(8)) & 1
    images = np.where(bits == 1, values.hi, values.lo).reshape(-1, 2, 2, 2)
    return images.astype(np.int64)


@given(values=LIMITS, padding=PADDINGS)
def test_no_sum_leaves_its_bounds_and_each_bound_is_reached(
    values: Interval, padding: Padding
) -> None:
    operation = _convolution(padding)
    bounds, found = operation.output_range(values), operation.apply(_extremes(values))
    assert bounds.lo <= found.min()
    assert found.max() <= bounds.hi
    if not any(padding):
        assert (found.min(), found.max()) == (bounds.lo, bounds.hi)


@pytest.mark.parametrize(("values", "corner"), [(Interval(5, 9), 5), (Interval(-9, -5), -5)])
def test_a_corner_of_zeros_is_nearer_to_zero_than_any_value(values: Interval, corner: int) -> None:
    ones = np.ones((2, 2, 1, 1), dtype=np.int64)
    image = np.full((1, 3, 3, 1), corner)
    padded = Convolution(name="c", inputs=("x",), weights=ones, padding=(1, 1, 1, 1))
    pool = SumPool(name="p", inputs=("x",), kernel=(2, 2), stride=(1, 1), padding=(1, 1, 1, 1))
    for operation in (padded, pool):
        bounds, found = operation.output_range(values), operation.apply(image)
        assert found[0, 0, 0, 0] == corner
        assert bounds.lo <= corner <= bounds.hi


def test_padding_never_wins_a_maximum() -> None:
    pool = MaxPool(name="p", inputs=("x",), kernel=(2, 2), stride=(1, 1), padding=(1, 1, 1, 1))
    assert pool.output_range(Interval(-9, -5)) == Interval(-9, -5)
    assert (pool.apply(np.full((1, 2, 2, 1), -7)) == -7).all()
