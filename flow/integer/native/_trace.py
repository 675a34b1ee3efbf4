# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What the engine writes down for a gradient: a byte of every maximum and of every count."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flow.integer.operations import Operation, Threshold

__all__ = ["Trace", "Traces", "Window", "Windows"]

_PADDING = 64  # channels, as in src/plan.hpp
_SLACK = 64  # bytes after a trace, which rows spill into


@dataclass(frozen=True)
class Window:
    """The sums low..high of each channel, int32[C], between which a count passes gradients."""

    low: NDArray[np.int32]
    high: NDArray[np.int32]


Windows = dict[str, Window]  # of each Threshold


@dataclass(frozen=True)
class Trace:
    """Where the bytes of one pass begin among those of an image; bounds of padded channels."""

    begin: int
    low: NDArray[np.int32] | None = None
    high: NDArray[np.int32] | None = None


class Traces:
    """Gives every pass a place.

    Attributes:
        begins: where the bytes of an operation's output lie, by its name.
        bytes: of one image.
    """

    def __init__(self, windows: Windows) -> None:
        self.windows, self.bytes = windows, 0
        self.begins: dict[str, int] = {}

    def added(
        self, head: Operation, threshold: Threshold | None, size: int, channels: int
    ) -> Trace:
        """Return the trace of a pass of `size` outputs in rows of `channels`."""
        begin = self.bytes
        self.bytes += -(-(size + _SLACK) // _SLACK) * _SLACK
        self.begins[head.name] = begin
        if threshold is None:
            return Trace(begin)
        self.begins[threshold.name] = begin
        window = self.windows[threshold.name]
        return Trace(begin, _padded(window.low, channels), _padded(window.high, channels))


def _padded(bounds: NDArray[np.int32], channels: int) -> NDArray[np.int32]:
    whole = np.zeros(-(-channels // _PADDING) * _PADDING, dtype=np.int32)
    whole[:channels] = np.tile(bounds, channels // len(bounds))
    return whole
