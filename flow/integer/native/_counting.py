# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""How thresholds are counted: by a line, by comparing with each or by searching."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from flow.integer.bounds import Interval
from flow.integer.native.lines import Reals, fit_lines
from flow.integer.operations import Integers, Threshold

__all__ = ["Counter", "Counting", "count_bytes", "count_shorts", "plan_counting"]

_PADDING = 64  # channels, as in src/plan.hpp
_FEW = 2  # levels that are compared faster than a line is evaluated
_SOME = 24  # levels that are compared faster than they are searched
_BYTE = 255
_SHORT = np.iinfo(np.int16)
_FEW_SHORT = 7  # levels that are compared in 16 bits faster than a line is evaluated


class Counting(IntEnum):
    """As in src/plan.hpp."""

    NONE = 0
    LINE = 1
    FINE_LINE = 2
    COMPARE = 3
    SEARCH = 4
    BYTES = 5
    SHORTS = 6


@dataclass(frozen=True, kw_only=True)
class Counter:
    """How to count, and the tables in the order in which the kernel reads them."""

    counting: Counting = Counting.NONE
    levels: int = 0
    low: int = 0
    step: int = 1
    thresholds: NDArray[np.generic] | None = None
    slope: Reals | None = None
    start: Reals | None = None


def plan_counting(
    threshold: Threshold | None, sums: Interval, channels: int, *, wide: bool
) -> Counter:
    """Choose how to count the thresholds that sums in a proven range reach.

    Args:
        threshold: with a row for every channel, for all of them, or for each of a pixel's channels
            where a row of sums holds several pixels.
        sums: what is compared.
        channels: of a row of sums.
        wide: sums are int64.
    """
    if threshold is None:
        return Counter()
    levels, low, step = threshold.thresholds.shape[1], threshold.offset, threshold.step
    rows = threshold.thresholds.clip(sums.lo, sums.hi + 1)  # reached by all values, or by none
    repeats = channels // len(rows)
    lines = None if wide or not _FEW < levels <= _BYTE else fit_lines(rows, sums)
    if lines is not None:
        slope, start = (_padded(np.tile(values, repeats)) for values in lines)
        kind = Counting.LINE if slope.dtype == np.float32 else Counting.FINE_LINE
        return Counter(counting=kind, levels=levels, low=low, step=step, slope=slope, start=start)
    if wide or levels > _SOME:
        table = np.tile(rows, (repeats, 1)).astype(np.int64 if wide else np.int32)
        return Counter(
            counting=Counting.SEARCH, levels=levels, low=low, step=step, thresholds=table
        )
    table = np.full((levels, _padded_size(channels)), np.iinfo(np.int32).max, dtype=np.int32)
    table[:, :channels] = np.tile(rows - 1, (repeats, 1)).T  # as x > t - 1
    return Counter(counting=Counting.COMPARE, levels=levels, low=low, step=step, thresholds=table)


def count_bytes(threshold: Threshold, values: Interval, low: int, channels: int) -> Counter | None:
    """Return how to count thresholds of bytes, each of them `low` and its unsigned number.

    None where there are many levels, or one that no byte reaches. Arguments are otherwise those
    of plan_counting.
    """
    rows = threshold.thresholds.clip(values.lo, values.hi + 1) - low
    levels = rows.shape[1]
    if levels > _SOME or rows.max(initial=0) > _BYTE:
        return None
    table = np.full((levels, _padded_size(channels)), _BYTE, dtype=np.uint8)
    table[:, :channels] = np.tile(rows, (channels // len(rows), 1)).T
    return Counter(
        counting=Counting.BYTES,
        levels=levels,
        low=threshold.offset,
        step=threshold.step,
        thresholds=table,
    )


def count_shorts(threshold: Threshold, start: Integers, scale: int) -> Counter | None:
    """Return how to count thresholds of start + scale * x by comparing x, an int16 above -32768.

    None where there are many levels.

    Args:
        threshold: with a row for every channel or for all.
        start: int64[C].
        scale: positive.
    """
    levels = threshold.thresholds.shape[1]
    if levels > _FEW_SHORT:
        return None
    reached = -((start[:, None] - threshold.thresholds) // scale)  # the least x, rounded up
    table = np.full((levels, _padded_size(len(start))), _SHORT.max, dtype=np.int16)
    table[:, : len(start)] = (reached - 1).clip(_SHORT.min, _SHORT.max).T  # as x > t - 1
    return Counter(
        counting=Counting.SHORTS,
        levels=levels,
        low=threshold.offset,
        step=threshold.step,
        thresholds=table,
    )


def _padded_size(channels: int) -> int:
    return -(-channels // _PADDING) * _PADDING


def _padded(values: Reals) -> Reals:
    whole = np.zeros(_padded_size(len(values)), dtype=values.dtype)
    whole[: len(values)] = values
    return whole
