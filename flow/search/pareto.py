# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Which points are better than others; every value counts as better where it is larger."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["front", "hypervolume", "ranking"]

Points = NDArray[np.float64]  # [N, goals]


def front(points: Points) -> list[int]:
    """Return which points no other dominates, in their order; of equal points the first."""
    kept = []
    for index, one in enumerate(points):
        as_good = (points >= one).all(axis=1)
        better = as_good & (points > one).any(axis=1)
        equal_before = as_good[:index] & ~better[:index]
        if not better.any() and not equal_before.any():
            kept.append(index)
    return kept


def ranking(points: Points) -> list[int]:
    """Return all points, best first: front by front, within one the lonelier first.

    That is the order of NSGA-II (Deb et al. 2002) with its crowding distance.
    """
    left, found = list(range(len(points))), list[int]()
    while left:
        chosen = [left[place] for place in front(points[left])]
        lonely = _crowding(points[chosen])
        found.extend(chosen[place] for place in np.argsort(-lonely, kind="stable"))
        left = [one for one in left if one not in chosen]
    return found


def _crowding(points: Points) -> NDArray[np.float64]:
    found = np.zeros(len(points))
    for column in points.T:
        order = np.argsort(column, kind="stable")
        span = float(column[order[-1]] - column[order[0]]) or 1.0
        found[order[0]] = found[order[-1]] = np.inf
        found[order[1:-1]] += (column[order[2:]] - column[order[:-2]]) / span
    return found


def hypervolume(points: Points, worst: Sequence[float]) -> float:
    """Return the volume that the points dominate above `worst`, by slices along the last goal."""
    above = points[(points > np.asarray(worst)).all(axis=1)]
    if not len(above):
        return 0.0
    if above.shape[1] == 1:
        return float(above.max() - worst[0])
    above = above[np.argsort(-above[:, -1], kind="stable")]
    ends = [*above[1:, -1], worst[-1]]
    return sum(
        hypervolume(above[: i + 1, :-1], worst[:-1]) * float(top - end)
        for i, (top, end) in enumerate(zip(above[:, -1], ends, strict=True))
    )
