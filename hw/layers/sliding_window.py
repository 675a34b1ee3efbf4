# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The exact time of FINN's sliding window: its buffer's control, cycle by cycle, without the data.

FINN estimates it: 16,412 cycles for a depthwise window whose RTL takes 13,787.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

from finn.custom_op.fpgadataflow.hwcustomop import HWCustomOp

__all__ = ["Window", "window_cycles"]

_ROWS = 6  # of output; more of them take the same time each


@dataclass(frozen=True, kw_only=True)
class Window:
    """A window over an image of pixels of `folds` beats each; sizes are (height, width)."""

    image: tuple[int, int]
    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    folds: int
    depthwise: bool  # all places of a channel group follow each other
    buffer: int  # beats

    @property
    def output(self) -> tuple[int, int]:
        """Return rows and columns of windows."""
        height, width = (
            (self.image[i] - (self.kernel[i] - 1) * self.dilation[i] - 1) // self.stride[i] + 1
            for i in (0, 1)
        )
        return height, width

    @property
    def span(self) -> int:
        """Return the beats from the first to the last of a window."""
        rows, columns = ((self.kernel[i] - 1) * self.dilation[i] for i in (0, 1))
        return (rows * self.image[1] + columns + 1) * self.folds


def window_cycles(instance: HWCustomOp) -> int:
    """Return the cycles between two frames of a ConvolutionInputGenerator_rtl.

    For the style that buffers lines and gives one beat a cycle; frames do not overlap in its
    buffer. Source and sink never wait.
    """
    folds = int(instance.get_nodeattr("IFMChannels") // instance.get_nodeattr("SIMD"))
    return _extrapolated(
        Window(
            image=_pair(instance, "IFMDim"),
            kernel=_pair(instance, "ConvKernelDim"),
            stride=_pair(instance, "Stride"),
            dilation=_pair(instance, "Dilation"),
            folds=folds,
            depthwise=bool(instance.get_nodeattr("depthwise")) and folds > 1,
            buffer=int(instance.get_buffer_depth()),
        )
    )


def _pair(instance: HWCustomOp, attribute: str) -> tuple[int, int]:
    """Return an attribute of (height, width); that of a line as if it were upright: the same."""
    height, width = instance.get_nodeattr(attribute)
    upright = int(instance.get_nodeattr("IFMDim")[0]) == 1
    return (int(width), int(height)) if upright else (int(height), int(width))


@cache
def _extrapolated(window: Window) -> int:
    """Return the cycles of a frame, of which all rows but the first and last take the same."""
    rows = window.output[0]
    if rows <= _ROWS:
        return _simulated(window)
    few, fewer = (_with_fewer_rows(window, rows - n) for n in (_ROWS, _ROWS - 1))
    some = _simulated(few)
    return some + (rows - _ROWS) * (some - _simulated(fewer))


def _with_fewer_rows(window: Window, removed: int) -> Window:
    height, width = window.image
    return replace(window, image=(height - removed * window.stride[0], width))


def _simulated(window: Window) -> int:
    """Count cycles; names as in swg_template_default.sv."""
    last_read = window.image[0] * window.image[1] * window.folds - 1
    fetches = _fetches(window)
    current, tail = next(fetches)
    newest = -1
    first_of_next = 0
    fetching_done = writing_done = write = False
    cycles = 0
    while True:
        cycles += 1
        fetch = not fetching_done and current <= newest
        oldest = newest - (window.buffer - 1)
        free = fetching_done or (oldest < first_of_next and oldest < current)
        read = newest < last_read and free
        if fetching_done and write and newest + read == last_read:
            return cycles
        if writing_done and read and newest + 1 == last_read:
            return cycles
        writing_done = writing_done or (write and fetching_done)
        newest += read
        write = fetch
        if fetch:
            first_of_next += tail
            current, tail = next(fetches, (-1, 0))
            fetching_done = current < 0


def _fetches(window: Window) -> Iterator[tuple[int, int]]:
    """Yield the beats in the order of the windows, and how far each lets the buffer advance."""
    folds, (height, width) = window.folds, window.output
    rows, columns = (range(window.kernel[i]) for i in (0, 1))
    places = [
        (y * window.dilation[0] * window.image[1] + x * window.dilation[1]) * folds
        for y in rows
        for x in columns
    ]
    groups = [range(f, f + 1) for f in range(folds)] if window.depthwise else [range(folds)]
    beats = [[place + fold for place in places for fold in group] for group in groups]
    for row in range(height):
        for column in range(width):
            first = _start(window, row, column)
            for index, group in enumerate(beats):
                advance = 1 if index < len(beats) - 1 else _advance(window, row, column)
                for place in group:
                    yield first + place, advance
                    advance = 0


def _start(window: Window, row: int, column: int) -> int:
    beat = row * window.stride[0] * window.image[1] + column * window.stride[1]
    return beat * window.folds


def _advance(window: Window, row: int, column: int) -> int:
    """Return how far the last group of a window lets the buffer advance."""
    height, width = window.output
    if (row, column) == (height - 1, width - 1):
        return window.span - 1
    following = (row, column + 1) if column < width - 1 else (row + 1, 0)
    step = _start(window, *following) - _start(window, row, column)
    return step - (window.folds - 1 if window.depthwise else 0)
