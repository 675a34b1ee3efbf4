# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""PGD++: PGD at a temperature of the logits chosen for each image (Gupta and Ajanthan 2020)."""

from collections.abc import Callable
from typing import ClassVar

import torch
from torch import Tensor

from flow.attacks._search import Search
from flow.attacks._victim import Victim
from flow.attacks.losses import Loss, RivalCrossEntropy
from flow.attacks.projected_gradient import ProjectedGradient

__all__ = ["PgdPlusPlus", "hessian_temperatures"]

_GRID = 100  # temperatures that are tried
_SURE = 1e-72  # 1 - p_label of the highest
_UNSURE = 0.01  # p_label of the lowest is this above a guess


class PgdPlusPlus(ProjectedGradient):
    """Projected gradient ascent whose temperatures maximise the loss' curvature at each start."""

    name: ClassVar[str] = "pgdpp"

    def _loss(self, victim: Victim, search: Search, restart: int, points: Tensor) -> Loss:
        del restart
        rows = search.active()
        labels = torch.from_numpy(search.labels[rows])
        temperatures = torch.full((len(search.labels),), victim.scale, dtype=torch.float64)
        found = hessian_temperatures(victim.forward, points.round(), labels, victim.scale)
        temperatures[torch.from_numpy(rows)] = found
        return RivalCrossEntropy(temperatures)


def hessian_temperatures(
    forward: Callable[[Tensor], Tensor], points: Tensor, labels: Tensor, scale: float
) -> Tensor:
    """Return float64[n]: the factor of the logits for which gradients say the most.

    "Hessian norm scaling": beta maximises || J^T beta^2 (diag(p) - p p^T) J ||_F, J the Jacobian
    of the logits and p = softmax(beta * logits). A small beta makes p flat, a large one saturates
    it; the norm is 0 at both ends. Beta is sought among 100 values between those for which the
    label's probability is just above a guess and just below 1, evenly spaced in the authors' code
    and geometrically here, which is finer where the maximum lies. Where it is at an end, or the
    point is misclassified, beta is the network's own scale.

    Args:
        forward: float[n, H, W, C] -> logits [n, K]; K gradients are taken.
        points: where; integers.
        labels: int64[n].
        scale: the network's own factor.
    """
    at = points.detach().clone().requires_grad_()
    logits = forward(at)
    parts = [
        torch.autograd.grad(column.sum(), at, retain_graph=True)[0].flatten(1)
        for column in logits.unbind(1)
    ]
    jacobian = torch.stack(parts, 1).double()
    gram = jacobian @ jacobian.transpose(1, 2)
    scores = logits.detach().double()
    grid = _grid(scores)
    norms = torch.stack([_squared_norms(scores, gram, betas) for betas in grid])
    chosen = norms.argmax(0)
    inside = (chosen > 0) & (chosen < len(grid) - 1) & (scores.argmax(1) == labels)
    return torch.where(inside, grid.gather(0, chosen[None])[0], scale)


def _grid(scores: Tensor) -> Tensor:
    """Return [100, n], from gap to largest: exp(-beta * gap) = eps / ((1 - eps) (K - 1))."""
    classes = scores.shape[1]
    top = scores.topk(2, dim=1).values
    gap = (top[:, 0] - top[:, 1]).clamp(min=0.5)  # a tie counts as half a unit
    ends = [
        torch.tensor((1 - share) * (classes - 1) / share, dtype=torch.float64).log() / gap
        for share in (1 - 1 / classes - _UNSURE, _SURE)
    ]
    steps = torch.linspace(0, 1, _GRID, dtype=torch.float64)[:, None]
    return ends[0] * (ends[1] / ends[0]) ** steps


def _squared_norms(scores: Tensor, gram: Tensor, betas: Tensor) -> Tensor:
    """Return [n]: ||J^T S J||_F^2 = tr(S G S G) with S = beta^2 (diag(p) - p p^T), G = J J^T."""
    p = (betas[:, None] * scores).softmax(1)
    curvature = betas[:, None, None] ** 2 * (torch.diag_embed(p) - p[:, :, None] * p[:, None])
    product = curvature @ gram
    return (product * product.transpose(1, 2)).sum((1, 2))
