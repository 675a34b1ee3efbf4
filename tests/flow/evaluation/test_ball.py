# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Distances and the budget at the ends of their ranges, against Python's integers."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from flow.errors import FlowError
from flow.evaluation import ball
from flow.evaluation.ball import check_budget, l2_distances, linf_distances

Images = NDArray[np.uint8]
FAR = [(200, 0, 1), (255, 0, 2), (0, 255, 300), (255, 0, 3072), (3, 250, 70_000)]


def _pair(clean: int, found: int, places: int) -> tuple[Images, Images]:
    shape = (1, places, 1, 1)
    return np.full(shape, clean, np.uint8), np.full(shape, found, np.uint8)


@pytest.mark.parametrize(("clean", "found", "places"), FAR)
def test_squares_and_sums_beyond_16_bits_are_exact(clean: int, found: int, places: int) -> None:
    pair = _pair(clean, found, places)
    assert l2_distances(*pair)[0] == math.sqrt((clean - found) ** 2 * places)
    assert linf_distances(*pair)[0] == abs(clean - found)


@pytest.mark.parametrize(("norm", "distance"), [("linf", 9), ("l2", 18)])
def test_the_last_distance_inside_is_allowed_and_no_other(norm: str, distance: int) -> None:
    clean, found = _pair(20, 29, 4)
    check_budget("attack", clean, found, distance, norm)
    with pytest.raises(FlowError, match=rf"image 0 is {distance} .* ball of {distance - 1}"):
        check_budget("attack", clean, found, distance - 1, norm)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_distance_that_is_not_finite_is_refused(
    value: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ball._DISTANCES, "l2", lambda *_: np.array([0.0, value]))
    clean = np.zeros((2, 1, 1, 1), np.uint8)
    with pytest.raises(FlowError, match=r"attack: image 1 is -?(nan|inf) from the clean one"):
        check_budget("attack", clean, clean, 300, "l2")


def test_the_first_image_outside_is_named() -> None:
    clean = np.zeros((4, 1, 1, 1), np.uint8)
    found = np.array([0, 3, 9, 4], np.uint8).reshape(4, 1, 1, 1)
    with pytest.raises(FlowError, match=r"image 2 is 9 .* \(uint8 units; 1 of 4 images are\)"):
        check_budget("attack", clean, found, 4)
