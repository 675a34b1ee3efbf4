# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""How far an image is from the decision boundary along a direction."""

import torch
from torch import Tensor

from flow.objectives.base import Logits

__all__ = ["crossing", "moved_along"]

_GRID = 8  # equal parts of the reach in which the first wrong point is looked for


def moved_along(images: Tensor, direction: Tensor, distance: Tensor) -> Tensor:
    """Move each image float[N, C, H, W] by its distance float[N], cut to 0..255."""
    return (images + distance[:, None, None, None] * direction).clamp_(0, 255)


def crossing(
    victim: Logits,
    images: Tensor,
    labels: Tensor,
    direction: Tensor,
    *,
    reach: float,
    bisections: int,
) -> tuple[Tensor, Tensor]:
    """Find where straight lines from images leave their class.

    Looks at 8 equally far points of each line, then halves the part before the first wrong one:
    a boundary that is crossed twice within a part is missed.

    Args:
        victim: the network.
        images: float[N, C, H, W] in 0..255.
        labels: int64[N], their classes.
        direction: float[N, C, H, W]; distances are multiples of it.
        reach: how far to look, above 0.
        bisections: how often the part is halved.

    Returns:
        The distance float[N] of a misclassified point, to reach / 8 / 2**bisections from the
        first, 0 where the image itself is wrong; and whether there is one, bool[N]. Where there
        is none the distance is the reach.
    """
    with torch.no_grad():
        grid = torch.arange(_GRID + 1, device=images.device) * (reach / _GRID)
        wrong = torch.stack(
            [_wrong(victim, images, labels, direction, one.expand(len(images))) for one in grid]
        )
        first = wrong.int().argmax(dim=0)  # 0 where none is
        low, high = grid[(first - 1).clamp(min=0)], grid[first]
        for _ in range(bisections):
            middle = (low + high) / 2
            beyond = _wrong(victim, images, labels, direction, middle)
            high, low = torch.where(beyond, middle, high), torch.where(beyond, low, middle)
    found = wrong.any(dim=0)
    return torch.where(found, high, torch.full_like(high, reach)), found


def _wrong(
    victim: Logits, images: Tensor, labels: Tensor, direction: Tensor, distance: Tensor
) -> Tensor:
    return victim(moved_along(images, direction, distance)).argmax(1) != labels
