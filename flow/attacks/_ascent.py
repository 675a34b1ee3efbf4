# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""One evaluation of a gradient attack: on the uint8 grid, with the gradient straight through."""

from typing import NamedTuple

import torch
from torch import Tensor

from flow.attacks._search import Indices, Search
from flow.attacks._victim import Victim
from flow.attacks.losses import Loss

__all__ = ["Evaluated", "ascend"]


class Evaluated(NamedTuple):
    """The loss [n] of rounded points, and its gradient [n, H, W, C] where it was asked for."""

    loss: Tensor
    gradient: Tensor | None


def ascend(
    victim: Victim,
    search: Search,
    loss: Loss,
    points: Tensor,
    rows: Indices,
    *,
    offered: bool = True,
    gradient: bool = True,
) -> Evaluated:
    """Evaluate the points rounded to uint8, and offer these to the search.

    Args:
        victim: its twin computes.
        search: the batch.
        loss: to climb.
        points: float[n, H, W, C] in the ball, one for each row.
        rows: of the batch.
        offered: the rounded points are candidates.
        gradient: return the loss' gradient, as if rounding were the identity.
    """
    rounded = points.detach().round().requires_grad_(gradient)
    logits = victim.forward(rounded)
    if offered:
        candidates = rounded.detach().to(torch.uint8).numpy()
        search.offer(candidates, logits.detach().numpy(), rows)
    labels = torch.from_numpy(search.labels[rows])
    value = loss(logits, labels, torch.from_numpy(rows))
    found = torch.autograd.grad(value.sum(), rounded)[0] if gradient else None
    return Evaluated(value.detach(), found)
