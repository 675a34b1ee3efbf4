# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Rounding to pixels never leaves the ball, and loses no more than it must."""

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from flow.classifier import Images
from flow.errors import FlowError
from flow.evaluation.rounding import radius_255, round_into_ball

SHAPE = (2, 2, 3, 1)
CLEAN = arrays(np.uint8, SHAPE)
FLOATS = arrays(np.float32, SHAPE, elements=st.floats(0, 1, width=32))
EPSILON = st.floats(0, 2)


@pytest.mark.parametrize("kind", [float, np.float32])
def test_a_whole_number_of_pixels_stays_whole(kind: type) -> None:
    assert [radius_255(kind(k / 255)) for k in range(256)] == list(range(256))
    assert radius_255(0.03) == 7.6499999999999995


@given(CLEAN, FLOATS, EPSILON)
def test_linf_takes_the_nearest_pixels_of_the_ball(
    clean: Images, found: NDArray[np.float32], epsilon: float
) -> None:
    rounded, radius = round_into_ball(clean, found, epsilon), math.floor(radius_255(epsilon))
    for pixel, value, result in zip(clean.flat, found.flat, rounded.flat, strict=True):
        ball = range(max(0, int(pixel) - radius), min(255, int(pixel) + radius) + 1)
        assert result in ball
        asked = 255 * Fraction(float(value))
        assert abs(result - asked) <= min(abs(one - asked) for one in ball) + Fraction(1, 10**9)


@given(CLEAN, FLOATS, EPSILON)
def test_l2_stays_inside_and_moves_towards_what_was_found(
    clean: Images, found: NDArray[np.float32], epsilon: float
) -> None:
    moved = round_into_ball(clean, found, epsilon, "l2").astype(int) - clean
    squares = (moved**2).reshape(2, -1).sum(axis=1)
    assert (squares <= radius_255(epsilon) ** 2).all()
    asked = 255 * found.astype(np.float64) - clean
    assert (moved * asked >= 0).all()
    assert (np.abs(moved) <= np.ceil(np.abs(asked) + 1e-9)).all()


@given(CLEAN, FLOATS)
def test_l2_rounds_to_the_nearest_where_the_ball_has_room(
    clean: Images, found: NDArray[np.float32]
) -> None:
    expected = np.rint(255 * found.astype(np.float64))
    np.testing.assert_array_equal(round_into_ball(clean, found, 4.0, "l2"), expected)


def test_l2_that_nearest_pixels_would_leave_uses_the_room_there_is() -> None:
    clean = np.zeros((1, 4, 4, 1), np.uint8)
    found = np.full(clean.shape, 1.6 / 255)  # 16 places of 1.6 pixels: a distance of 6.4
    moved = round_into_ball(clean, found, 6.4 / 255, "l2")
    assert (moved.astype(int) ** 2).sum() == 40  # of 40.96; 64 by rounding, 16 by cutting off


@pytest.mark.parametrize(
    ("values", "radius", "expected"),
    [
        ([2.6], 3.0, [3]),  # the last distance inside
        ([2.6], 2.9, [2]),
        ([0.9, 1.9], 4.5**0.5, [1, 1]),  # a gain of 0.8 each, for 1 and for 3 squares
        ([0.6, 1.9], 2.0, [0, 2]),  # 0.2 for 1 square, 0.8 for 3
        ([3.0, 4.0], 5.0, [3, 4]),
        ([6.0, 8.0], 5.0, [3, 4]),
    ],
)
def test_l2_takes_first_what_gains_most_for_its_squares(
    values: list[float], radius: float, expected: list[int]
) -> None:
    clean, found = np.zeros((1, len(values)), np.uint8), np.array([values]) / 255
    assert round_into_ball(clean, found, radius / 255, "l2").tolist() == [expected]


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_what_lies_outside_0_to_1_is_cut_off(norm: Any) -> None:  # noqa: ANN401
    clean = np.array([[3, 250]], np.uint8)
    assert round_into_ball(clean, np.array([[-0.5, 1.5]]), 1.0, norm).tolist() == [[0, 255]]
    assert round_into_ball(clean, np.array([[0.0, 1.0]]), 0.0, norm).tolist() == [[3, 250]]


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_what_does_not_move_needs_no_ball(norm: Any) -> None:  # noqa: ANN401
    clean = np.array([[3, 250]], np.uint8)
    assert round_into_ball(clean, clean / 255, 0.0, norm).tolist() == [[3, 250]]


@pytest.mark.parametrize("epsilon", [-0.1, math.nan, math.inf])
def test_no_radius_is_refused(epsilon: float) -> None:
    with pytest.raises(FlowError, match=rf"epsilon {epsilon}: is no radius; give a number of at"):
        radius_255(epsilon)


def test_other_shapes_norms_and_values_are_refused() -> None:
    clean, found = np.zeros((1, 2), np.uint8), np.zeros((1, 2))
    with pytest.raises(FlowError, match=r"attacked images: shape \(2, 1\) is not \(1, 2\)"):
        round_into_ball(clean, found.T, 0.1)
    with pytest.raises(FlowError, match="norm 'l1': is unknown; choose linf or l2"):
        round_into_ball(clean, found, 0.1, "l1")  # type: ignore[arg-type]
    with pytest.raises(FlowError, match="hold values that are not finite; clip them"):
        round_into_ball(clean, found * math.nan, 0.1)
