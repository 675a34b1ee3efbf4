# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Random rectangles of pixels, the moves of a random search."""

import torch
from torch import Tensor

__all__ = ["rectangles"]


def rectangles(shape: torch.Size, side: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw one rectangle for each image [N, C, H, W], of 1 to `side` pixels along each axis.

    Returns:
        bool[N, 1, H, W], inside the rectangle; bool[N, C, 1, 1], up or down in each channel.
    """
    count, channels, height, width = shape
    rows = _within(count, side, height, generator)
    columns = _within(count, side, width, generator)
    up = torch.rand((count, channels, 1, 1), generator=generator) < 0.5
    return (rows[:, :, None] & columns[:, None, :])[:, None], up


def _within(count: int, side: int, size: int, generator: torch.Generator) -> Tensor:
    """Draw a run of places for each of `count`: bool[count, size]."""
    lengths = torch.randint(1, min(side, size) + 1, (count, 1), generator=generator)
    first = (torch.rand((count, 1), generator=generator) * (size - lengths + 1)).long()
    places = torch.arange(size)
    return (places >= first) & (places < first + lengths)
