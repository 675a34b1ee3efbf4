# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""FAB-T: the least change that reaches a class, by projections on its linearised boundary.

Croce and Hein, "Minimally distorted adversarial examples with a fast adaptive boundary attack",
ICML 2020; the targeted form is AutoAttack's.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from flow.attacks._search import Indices, Search
from flow.attacks._victim import Victim
from flow.attacks.base import Attack

__all__ = ["FabTargeted", "projection"]

_LARGEST_SHARE = 0.1  # alpha_max: of the way back to the clean image
_OVERSHOOT = 1.05  # eta
_BACK = 0.9  # beta: where a misclassified point is pulled to, of its distance


@dataclass(frozen=True, kw_only=True)
class FabTargeted(Attack):
    """Algorithm 1 in linf towards each of the classes that the clean image is nearest to.

    Each step projects the point and the clean image on the boundary between label and target as
    the twin's gradients have it, and goes between both; from a misclassified point it goes back
    towards the clean image. Every point is judged as it is rounded to uint8 inside the ball, and an
    image is left at its first misclassified one: the paper's last bisection would only make the
    change smaller. The first restart begins at the image.

    Attributes:
        steps: towards each target in one restart; AutoAttack takes 100.
        targets: classes, by falling clean logit; AutoAttack's 9.
    """

    name: ClassVar[str] = "fab_t"
    steps: int = 100
    restarts: int = 1
    targets: int = 9

    def _search(self, victim: Victim, search: Search) -> Iterator[float]:
        logits = np.array(victim.logits(search.clean, by_twin=True), dtype=np.float64)
        logits[np.arange(len(logits)), search.labels] = -np.inf
        order = torch.from_numpy(np.argsort(-logits, axis=1, kind="stable"))
        count = min(self.targets, victim.classes - 1)
        runs = self.restarts * count
        for run in range(runs):
            rows = search.active()
            if len(rows):
                self._approach(victim, search, order[:, run % count], run, rows)
            yield (run + 1) / runs

    def _approach(
        self, victim: Victim, search: Search, targets: Tensor, run: int, rows: Indices
    ) -> None:
        """Go towards one target of each row, from the image or, in later restarts, around it."""
        points = search.pixels[rows]
        if run >= min(self.targets, victim.classes - 1):
            points = search.project(points + search.noise(run, rows) / 2, rows)
        for step in range(self.steps + 1):
            gap, gradient = _boundary(victim, search, targets, points, rows)
            resists = search.margins[rows] >= 0
            if step == self.steps or not resists.any():
                return
            kept = torch.from_numpy(resists)
            rows, points = rows[resists], points[kept]
            points = _stepped(search.pixels[rows], points, gap[kept], gradient[kept])


def _boundary(
    victim: Victim, search: Search, targets: Tensor, points: Tensor, rows: Indices
) -> tuple[Tensor, Tensor]:
    """Return target minus label [n] and its gradient [n, H, W, C]; offer the point in the ball."""
    rounded = points.detach().round().requires_grad_()
    logits = victim.forward(rounded)
    labels = torch.from_numpy(search.labels[rows])[:, None]
    gap = (logits.gather(1, targets[rows][:, None]) - logits.gather(1, labels))[:, 0]
    (gradient,) = torch.autograd.grad(gap.sum(), rounded)
    inside = search.project(rounded.detach(), rows)
    outside = (inside != rounded.detach()).flatten(1).any(1)
    found = logits.detach()
    if outside.any():
        with torch.no_grad():
            found = torch.where(outside[:, None], victim.forward(inside), found)
    search.offer(inside.to(torch.uint8).numpy(), found.numpy(), rows)
    return gap.detach(), gradient


def _stepped(clean: Tensor, points: Tensor, gap: Tensor, gradient: Tensor) -> Tensor:
    """Return the next points (eq. 9), or those on the way back of points beyond the boundary."""
    flat = gradient.flatten(1)
    offset = gap - (flat * points.flatten(1)).sum(1)
    ways = [projection(start.flatten(1), flat, offset).view_as(points) for start in (points, clean)]
    lengths = [way.flatten(1).abs().amax(1).clamp(min=1e-6) for way in ways]
    share = (lengths[0] / (lengths[0] + lengths[1])).clamp(max=_LARGEST_SHARE)[:, None, None, None]
    own, other = (
        start + _OVERSHOOT * way for start, way in zip((points, clean), ways, strict=True)
    )
    ahead = (1 - share) * own + share * other
    back = clean + _BACK * (points - clean)
    return torch.where((gap > 0)[:, None, None, None], back, ahead).clamp(0, 255)


def projection(points: Tensor, weights: Tensor, offset: Tensor) -> Tensor:
    """Return the change [n, D] of least linf size that brings points in 0..255 to a hyperplane.

    The plane is <weights, x> + offset = 0; where no point of 0..255 lies on it the change goes as
    far as it can. Every element moves by the same amount until it meets 0 or 255.

    Args:
        points: float[n, D].
        weights: float[n, D].
        offset: float[n].
    """
    value = (weights * points).sum(1) + offset
    value = torch.where(value == 0, -0.5, value)  # a tie, which must be passed
    direction = -weights.sign() * value.sign()[:, None]
    room = torch.where(direction > 0, 255 - points, points)
    order = room.argsort(1)
    room_up, gain = room.gather(1, order), weights.abs().gather(1, order)
    before = (gain * room_up).cumsum(1) - gain * room_up  # of those that stand at their end
    slope = gain.flip(1).cumsum(1).flip(1)  # of those that still move
    reached = before + slope * room_up >= value.abs()[:, None]
    first = torch.where(reached.any(1), reached.int().argmax(1), room.shape[1] - 1)[:, None]
    still = value.abs() - before.gather(1, first)[:, 0]
    size = still / slope.gather(1, first)[:, 0].clamp(min=1e-12)
    size = torch.minimum(size, room_up[:, -1])
    return direction * torch.minimum(size[:, None], room)
