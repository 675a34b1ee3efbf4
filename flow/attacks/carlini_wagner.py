# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""C&W: the nearest misclassified image in l2 (Carlini and Wagner 2017, section VI-A)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from flow.attacks._nearest import Bits, Nearest
from flow.attacks._search import Search
from flow.attacks._victim import Victim
from flow.attacks.base import Attack
from flow.attacks.losses import label_margins

__all__ = ["CarliniWagner"]

_SEARCHES = 9  # of the weight c by bisection, as in the paper
_FIRST_WEIGHT = 0.01
_RATE = 0.05  # of Adam; the paper's 0.01 is for thousands of steps
_INSIDE = 0.999999  # so that artanh is finite


@dataclass(frozen=True, kw_only=True)
class CarliniWagner(Attack):
    """Minimise ||x' - x||^2 + c * max(margin, 0), x' = (tanh w + 1) / 2, over w with Adam.

    x is in 0..1, the margin that of the logits times the network's scale, with confidence 0.
    Every iterate is rounded to uint8 and judged there, the gradient passed straight through; the
    nearest misclassified one counts if it lies within epsilon, else the clean image comes back.
    c is found by nine bisections from 0.01, times ten while nothing is misclassified.

    Attributes:
        steps: of Adam for one c.
    """

    name: ClassVar[str] = "cw"
    norm: ClassVar[str] = "l2"
    steps: int = 100
    restarts: int = 1  # nothing in it is random

    def _search(self, victim: Victim, search: Search) -> Iterator[float]:
        nearest = Nearest(search)
        count = len(nearest.rows)
        low, high = np.zeros(count), np.full(count, np.inf)
        weights = np.full(count, _FIRST_WEIGHT)
        for index in range(_SEARCHES if count else 0):
            broken = self._minimise(victim, nearest, torch.from_numpy(weights).float())
            high, low = np.where(broken, weights, high), np.where(broken, low, weights)
            weights = np.where(np.isfinite(high), (low + high) / 2, 10 * weights)
            yield (index + 1) / _SEARCHES
        nearest.write()

    def _minimise(self, victim: Victim, nearest: Nearest, weights: Tensor) -> Bits:
        """Return bool[n]: whether an iterate was misclassified at these weights."""
        clean = nearest.clean / 255
        w = torch.atanh((2 * clean - 1) * _INSIDE).requires_grad_()
        adam = torch.optim.Adam([w], lr=_RATE)
        broken = np.zeros(len(clean), dtype=np.bool_)
        for _ in range(self.steps):
            points = (torch.tanh(w) + 1) / 2
            rounded = (255 * points.detach()).round().requires_grad_()
            logits = victim.forward(rounded)
            broken |= nearest.offer(rounded, logits)
            margin = label_margins(logits * victim.scale, nearest.labels).clamp(min=0)
            (pull,) = torch.autograd.grad((weights * margin).sum(), rounded)
            loss = (points - clean).square().sum() + (255 * points * pull).sum()
            (w.grad,) = torch.autograd.grad(loss, w)
            adam.step()
        return broken
