# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What every integer operation is."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from flow.errors import FlowError
from flow.integer.bounds import Interval

__all__ = ["IMAGE", "Integers", "Operation", "Padding", "Shape", "spatial_shape", "windows"]

Integers = NDArray[np.int64]
Shape = tuple[int, ...]  # of one image's values, without N; (H, W, C) or (C,)
Padding = tuple[int, int, int, int]  # top, left, bottom, right

IMAGE = "image"  # the name of the network's input


@dataclass(frozen=True, kw_only=True, eq=False)
class Operation(ABC):
    """One integer operation on values with the channels last.

    Attributes:
        name: unique in its network; that of the source graph's node where there is one.
        inputs: names of the operations whose outputs it reads, IMAGE for the network's input;
            empty for the operation before it in the network.
    """

    name: str
    inputs: tuple[str, ...] = ()

    @abstractmethod
    def apply(self, *values: Integers) -> Integers:
        """Compute int64[N, ...] from int64[N, ...], exactly."""

    @abstractmethod
    def output_shape(self, *shapes: Shape) -> Shape:
        """Return the output's shape without N; FlowError if the inputs' do not fit."""

    @abstractmethod
    def output_range(self, *ranges: Interval) -> Interval:
        """Return bounds of every output value, given bounds of every input value."""


def spatial_shape(
    shape: Shape, kernel: tuple[int, int], stride: tuple[int, int], padding: Padding
) -> tuple[int, int]:
    """Return (H', W') of windows over (H, W, ...); H' = (H + top + bottom - KH) // stride + 1."""
    top, left, bottom, right = padding
    return (
        (shape[0] + top + bottom - kernel[0]) // stride[0] + 1,
        (shape[1] + left + right - kernel[1]) // stride[1] + 1,
    )


def windows(
    values: Integers,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: Padding,
    fill: int = 0,
) -> Integers:
    """Return a view int64[N, H', W', C, KH, KW] of the windows of int64[N, H, W, C]."""
    top, left, bottom, right = padding
    around = ((0, 0), (top, bottom), (left, right), (0, 0))
    padded = np.pad(values, around, constant_values=fill)
    return sliding_window_view(padded, kernel, axis=(1, 2))[:, :: stride[0], :: stride[1]]


def fitting_shape(
    name: str, shape: Shape, kernel: tuple[int, int], stride: tuple[int, int], padding: Padding
) -> tuple[int, int]:
    """Return spatial_shape; FlowError if a window does not fit into its padded input."""
    output = spatial_shape(shape, kernel, stride, padding) if len(shape) == 3 else (0, 0)
    if min(output) < 1:
        raise FlowError(f"{name}: a window of {kernel[0]}x{kernel[1]} does not fit input {shape}")
    return output
