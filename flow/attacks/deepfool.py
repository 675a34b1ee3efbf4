# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""DeepFool: steps to the nearest boundary of the linearised network (Moosavi-Dezfooli 2016)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from flow.attacks._nearest import Nearest
from flow.attacks._search import Search
from flow.attacks._victim import Victim
from flow.attacks.base import Attack

__all__ = ["DeepFool"]


@dataclass(frozen=True, kw_only=True)
class DeepFool(Attack):
    """Algorithm 2 in l2, on the twin's straight-through gradients.

    Each step adds |f_l| / ||w_l||^2 w_l, f_k and w_k the differences to the label's logit and
    gradient, l the class for which |f_k| / ||w_k|| is least. After each step the candidate
    x + (1 + overshoot) r, rounded to uint8, is judged; an image is left at its first misclassified
    one, which counts if it lies within epsilon. Nothing in it is random.

    Attributes:
        steps: at most so many; the paper needs two or three, its code takes 50.
        overshoot: eta of the paper.
    """

    name: ClassVar[str] = "deepfool"
    norm: ClassVar[str] = "l2"
    steps: int = 50
    restarts: int = 1
    overshoot: float = 0.02

    def _search(self, victim: Victim, search: Search) -> Iterator[float]:
        nearest = Nearest(search)
        going = torch.arange(len(nearest.rows))
        offset = torch.zeros_like(nearest.clean)
        for step in range(self.steps + 1):
            if not len(going):
                break
            points = nearest.clean[going] + (1 + self.overshoot) * offset[going]
            rounded = points.clamp(0, 255).round().requires_grad_()
            logits = victim.forward(rounded)
            resists = torch.from_numpy(~nearest.offer(rounded, logits, going.numpy()))
            if step < self.steps:
                offset[going] += _nearest_boundary(rounded, logits, nearest.labels[going])
            going = going[resists]
            yield step / self.steps
        nearest.write()
        yield 1.0


def _nearest_boundary(points: Tensor, logits: Tensor, labels: Tensor) -> Tensor:
    """Return [n, H, W, C], the step to the nearest boundary of the linearised network."""
    parts = [
        torch.autograd.grad(column.sum(), points, retain_graph=True)[0].flatten(1)
        for column in logits.unbind(1)
    ]
    jacobian, rows = torch.stack(parts, 1), torch.arange(len(labels))
    slopes = jacobian - jacobian[rows, labels][:, None]
    # of a tie, which the label wins or loses by its index, half a unit: the step must not be 0;
    # classes without a slope, as the label itself, lie at infinity
    gaps = (logits - logits[rows, labels][:, None]).detach().abs().clamp(min=0.5)
    norms = slopes.norm(dim=2)
    least, chosen = (gaps / norms).min(1)
    directions = slopes[rows, chosen] / norms[rows, chosen][:, None]
    found = torch.where(least.isfinite()[:, None], least[:, None] * directions, 0)
    return found.view(points.shape).to(points.dtype)
