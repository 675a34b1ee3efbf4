# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Places that are no rows and columns: as long as an image is no longer than a stream's counter."""

import numpy as np
import pytest

from flow.integer.selection import _LONGEST, selection_of

UNEVEN = np.array([[0, 1], [1, 5]])


@pytest.mark.parametrize("count", [6, _LONGEST])
def test_uneven_places_are_taken_as_one_row(count: int) -> None:
    found = selection_of(UNEVEN, (1, count))
    assert found is not None
    assert (found.size, found.columns.tolist()) == ((1, count), [0, 1, 1, 5])


def test_uneven_places_of_a_longer_image_are_not_taken() -> None:
    assert selection_of(UNEVEN, (1, _LONGEST + 1)) is None


def test_places_that_go_back_are_not_taken() -> None:
    assert selection_of(UNEVEN[::-1], (1, 6)) is None
