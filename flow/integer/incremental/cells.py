# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The cells of the first thresholds: values of a pixel that mean the same to the network."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from flow.integer.network import IntegerNetwork
from flow.integer.operations import IMAGE, Threshold

__all__ = ["Cells", "cell_numbers", "cells_between", "cells_of"]

Images = NDArray[np.uint8]
_LEVELS = 256


@dataclass(frozen=True, kw_only=True, eq=False)
class Cells:
    """The pixels of one image that are not alone in their cell within its ball.

    Attributes:
        pixel: int32[n], elements of the flat image, ascending.
        start: int32[n + 1]; the cells of pixel[i] are start[i] .. start[i + 1].
        low: int32[cells], the lowest value of each cell in the ball; a pixel's ascend.
        high: int32[cells], the highest one.
        pick: int32[cells], the value that is nearest to the clean one.
        clean: int32[n], the cell of each clean pixel.
    """

    pixel: NDArray[np.int32]
    start: NDArray[np.int32]
    low: NDArray[np.int32]
    high: NDArray[np.int32]
    pick: NDArray[np.int32]
    clean: NDArray[np.int32]

    @property
    def count(self) -> int:
        """How many pixels there are."""
        return len(self.pixel)

    @cached_property
    def combinations(self) -> int:
        """How many images differ for the network, a Python integer."""
        total = 1
        for size in np.diff(self.start).tolist():
            total *= size
        return total

    def of(self, image: Images) -> NDArray[np.int32]:
        """Return the cell int32[n] in which each pixel of uint8[H, W, C] lies."""
        owner = np.repeat(np.arange(self.count), np.diff(self.start))
        wanted = np.arange(self.count) * _LEVELS + image.reshape(-1)[self.pixel]
        found = np.searchsorted(owner * _LEVELS + self.low, wanted, side="right") - 1
        return found.astype(np.int32)

    def image(self, clean: Images, chosen: NDArray[np.int32]) -> Images:
        """Return uint8[H, W, C] whose pixels have moved to the picks of the chosen cells."""
        flat = clean.reshape(-1).copy()
        flat[self.pixel] = self.pick[chosen]
        return flat.reshape(clean.shape)

    def extremes(self) -> "Cells":
        """Return the same with only the lowest, the clean and the highest cell of each pixel."""
        keep = np.zeros(len(self.low), np.bool_)
        keep[self.start[:-1]] = keep[self.start[1:] - 1] = keep[self.clean] = True
        place = np.concatenate([[0], np.cumsum(keep)]).astype(np.int32)
        return Cells(
            pixel=self.pixel,
            start=place[self.start],
            low=self.low[keep],
            high=self.high[keep],
            pick=self.pick[keep],
            clean=place[self.clean],
        )


def cell_numbers(network: IntegerNetwork) -> NDArray[np.int32]:
    """Return int32[C, 256]: the number of the cell of each channel and value, ascending.

    Two values share a cell if every operation that reads the image gives the same for both: the
    thresholds that read it. Where another operation reads it each value is a cell of its own.
    """
    channels = network.input_shape[2]
    values = np.arange(_LEVELS)
    changes = np.zeros((channels, _LEVELS), np.bool_)
    for reader in network.readers(IMAGE):
        if not isinstance(reader, Threshold):
            changes[:, 1:] = True
            continue
        grid = np.broadcast_to(values[:, None], (_LEVELS, channels))
        found = reader.apply(grid[None].astype(np.int64))[0].T
        changes[:, 1:] |= np.diff(found, axis=1) != 0
    return np.cumsum(changes, axis=1).astype(np.int32)


def cells_of(numbers: NDArray[np.int32], image: Images, epsilon_255: int) -> Cells:
    """Return the cells of the linf ball around one image.

    Args:
        numbers: what cell_numbers returned of the network.
        image: uint8[H, W, C], clean.
        epsilon_255: radius of the ball in uint8 units.
    """
    values = image.astype(np.int64)
    low, high = (values - epsilon_255).clip(min=0), (values + epsilon_255).clip(max=_LEVELS - 1)
    return cells_between(numbers, image, low.astype(np.uint8), high.astype(np.uint8))


def cells_between(
    numbers: NDArray[np.int32], image: Images, low_image: Images, high_image: Images
) -> Cells:
    """Return the cells of all images low <= x <= high around one, uint8[H, W, C] each."""
    flat = image.reshape(-1).astype(np.int64)
    channel = np.arange(flat.size) % image.shape[2]
    low, high = (end.reshape(-1).astype(np.int64) for end in (low_image, high_image))
    first, last = numbers[channel, low], numbers[channel, high]
    pixel = np.flatnonzero(first != last)
    sizes = (last - first + 1)[pixel]
    start = np.concatenate([[0], np.cumsum(sizes)])
    owner = np.repeat(pixel, sizes)
    cell = first[owner] + np.arange(start[-1]) - np.repeat(start[:-1], sizes)
    ends = _ends(numbers)
    lowest = np.maximum(ends[0][channel[owner], cell], low[owner])
    highest = np.minimum(ends[1][channel[owner], cell], high[owner])
    clean = start[:-1] + numbers[channel[pixel], flat[pixel]] - first[pixel]
    arrays = (pixel, start, lowest, highest, np.clip(flat[owner], lowest, highest), clean)
    names = ("pixel", "start", "low", "high", "pick", "clean")
    return Cells(
        **{k: np.ascontiguousarray(v, np.int32) for k, v in zip(names, arrays, strict=True)}
    )


def _ends(numbers: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the lowest and the highest value int64[C, 256] of each channel's cell numbers."""
    places = np.arange(_LEVELS)
    low = np.stack([np.searchsorted(row, places, side="left") for row in numbers])
    high = np.stack([np.searchsorted(row, places, side="right") - 1 for row in numbers])
    return low, high
