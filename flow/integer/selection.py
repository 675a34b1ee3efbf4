# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Places that a stream can take: whole rows and whole columns, in their order."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from flow.integer.operations import Integers

__all__ = ["Selection", "selection_of"]

_LONGEST = 2**14  # places of an image that is taken as a single row


@dataclass(frozen=True)
class Selection:
    """Rows and columns of an image of `size`, ascending; each may be repeated.

    Attributes:
        size: (H, W) of the image that the places count through.
        rows, columns: int64; the place of (i, j) is rows[i] * W + columns[j].
    """

    size: tuple[int, int]
    rows: Integers
    columns: Integers


def selection_of(places: Integers, size: tuple[int, int]) -> Selection | None:
    """Return int64[H', W'] places as rows and columns, None if a stream cannot take them so.

    Args:
        places: of an image, counted row by row.
        size: (H, W) of the image; it may be taken as one of other rows with as many places.
    """
    count = size[0] * size[1]
    for width in _widths(size[1], count):
        rows, columns = places[:, 0] // width, places[0] % width
        expected = rows[:, None] * width + columns
        ascending = (np.diff(rows) >= 0).all() and (np.diff(columns) >= 0).all()
        if ascending and np.array_equal(places, expected):
            return Selection((count // width, width), rows, columns)
    flat = places.reshape(-1)
    if count <= _LONGEST and (np.diff(flat) >= 0).all():
        return Selection((1, count), np.zeros(1, dtype=np.int64), flat)
    return None


def _widths(first: int, count: int) -> Iterator[int]:
    """Yield the widths of images of so many places, the given one first."""
    yield first
    yield from (width for width in range(1, count + 1) if count % width == 0 and width != first)
