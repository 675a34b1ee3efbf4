# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Random changes of training images that keep their class."""

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["mirrored", "moved"]


def moved(images: Tensor, reach: int, generator: torch.Generator) -> Tensor:
    """Move each image float[N, C, H, W] by up to `reach` pixels along each axis, filled with 0."""
    if not reach:
        return images
    count, channels, height, width = images.shape
    padded = F.pad(images, (reach,) * 4)
    tops, lefts = torch.randint(0, 2 * reach + 1, (2, count, 1), generator=generator)
    rows = (tops + torch.arange(height))[:, None, :, None]
    columns = (lefts + torch.arange(width))[:, None, None, :]
    which = torch.arange(count)[:, None, None, None]
    return padded[which, torch.arange(channels)[None, :, None, None], rows, columns]


def mirrored(images: Tensor, generator: torch.Generator) -> Tensor:
    """Mirror each image float[N, C, H, W] left to right with probability 1/2."""
    chosen = torch.rand(len(images), generator=generator) < 0.5
    return torch.where(chosen[:, None, None, None], images.flip(3), images)
