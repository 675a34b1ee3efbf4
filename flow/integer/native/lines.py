# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Evenly spaced thresholds as one clamped line, where that is proven to count the same."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from flow.integer.bounds import Interval

__all__ = ["Lines", "Reals", "fit_lines"]

Reals = NDArray[np.floating[Any]]  # float32 or float64
Lines = tuple[Reals, Reals]  # slope and start of each channel


def fit_lines(thresholds: NDArray[np.int64], values: Interval) -> Lines | None:
    """Find lines with floor(clamp(x * slope + start, 0, T)) == #{t <= x}.

    Args:
        thresholds: int64[C, T], ascending along T, T from 1 to 255.
        values: all x that occur.

    Returns:
        The lines in float32, else in float64, checked with the kernels' own arithmetic (the
        product and the sum rounded one by one): each of these operations keeps order, so that a
        line which is right just below and at every threshold, and at both ends, is right
        everywhere. None if one channel has no such line.
    """
    spaced = _inverse_lines(thresholds, values)
    if spaced is None:
        return None
    first, spacing = spaced
    kinds: tuple[type[np.floating[Any]], ...] = (np.float32, np.float64)
    for kind in kinds:
        slope: Reals = (1.0 / spacing).astype(kind)
        start: Reals = (-first / spacing).astype(kind)
        if _counts_right(thresholds, values, slope, start):
            return slope, start
    return None


def _inverse_lines(
    thresholds: NDArray[np.int64], values: Interval
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Find first + k * spacing in (t_k - 1, t_k] for every level k = 1..T of every channel.

    Thresholds that no value reaches, or that every value reaches, bound one side only.
    """
    above = np.where(thresholds > values.lo, thresholds - 1.0, -np.inf)
    above = np.where(thresholds > values.hi, float(values.hi), above)  # the line stays above
    below = np.where(thresholds > values.hi, np.inf, thresholds.astype(np.float64))
    below = np.where(thresholds <= values.lo, float(values.lo), below)
    levels = thresholds.shape[1]
    least, most = np.full(len(thresholds), -np.inf), np.full(len(thresholds), np.inf)
    for apart in range(1, levels):
        least = np.maximum(least, ((above[:, apart:] - below[:, :-apart]) / apart).max(axis=1))
        most = np.minimum(most, ((below[:, apart:] - above[:, :-apart]) / apart).min(axis=1))
    spacing = _between(np.maximum(least, 0.0), most)
    steps = np.arange(1, levels + 1) * spacing[:, None]
    low, high = (above - steps).max(axis=1), (below - steps).min(axis=1)
    if (spacing <= 0).any() or (low > high).any():
        return None
    return _between(low, high), spacing


def _between(low: NDArray[np.float64], high: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the middles; one unit inside where one end is open, 1 where both are."""
    bounded_low, bounded_high = np.isfinite(low), np.isfinite(high)
    both = bounded_low & bounded_high
    middle = (np.where(both, low, 0.0) + np.where(both, high, 0.0)) / 2
    middle = np.where(bounded_low & ~bounded_high, np.where(bounded_low, low, 0) + 1, middle)
    middle = np.where(~bounded_low & bounded_high, np.where(bounded_high, high, 0) - 1, middle)
    return np.where(~bounded_low & ~bounded_high, 1.0, middle)


def _counts_right(
    thresholds: NDArray[np.int64],
    values: Interval,
    slope: Reals,
    start: Reals,
) -> bool:
    levels = thresholds.shape[1]
    ends = np.broadcast_to([values.lo, values.hi], (len(thresholds), 2))
    places = np.concatenate([thresholds - 1, thresholds, ends], axis=1).clip(values.lo, values.hi)
    expected = (thresholds[:, None, :] <= places[:, :, None]).sum(axis=2)
    values_of_lines: Reals = places.astype(slope.dtype) * slope[:, None] + start[:, None]
    found = values_of_lines.clip(0, levels)
    return bool((found.astype(np.int64) == expected).all())
