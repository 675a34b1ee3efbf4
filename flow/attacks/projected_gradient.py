# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Projected gradient ascent on the torch twin, judged on the uint8 grid at every step.

adversarial-robustness-toolbox has this attack too and the tests compare with it. Ours differs in
three ways that matter for integer hardware: it scores rounded images instead of rounding the last
iterate, it stops on each image that is already wrong, and its draws do not depend on global state.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from flow.attacks._ascent import ascend
from flow.attacks._search import Indices, Search
from flow.attacks._victim import Victim
from flow.attacks.base import Attack
from flow.attacks.losses import CrossEntropy, Loss

__all__ = ["TEMPERATURES", "ProjectedGradient"]

TEMPERATURES = (1.0, 2.0, 4.0)  # of the logits, in turn over the restarts


@dataclass(frozen=True, kw_only=True)
class ProjectedGradient(Attack):
    """Sign-gradient ascent of the cross-entropy, projected on the ball (Madry et al. 2018).

    The cross-entropy is that of the logits times the network's scale, the trained network's own
    temperature: on the integers themselves softmax saturates and the gradients underflow to 0
    (Gupta and Ajanthan 2020), which would only look like robustness. Further restarts multiply the
    logits by 2 and by 4, since no single temperature is the best for every image.

    The iterate is continuous; the twin is evaluated at the iterate rounded to uint8 and the
    gradient passed straight through the rounding. Every evaluated image is thus a candidate on the
    victim's own grid.

    Attributes:
        relative_step: step size is relative_step * epsilon / steps; Madry et al. use about 2.5.
        random_start: start uniformly in the ball instead of at the image.
    """

    steps: int
    restarts: int = 1
    relative_step: float = 2.5
    random_start: bool = True

    def _search(self, victim: Victim, search: Search) -> Iterator[float]:
        for restart in range(self.restarts):
            rows = search.active()
            if len(rows):
                points = search.project(self._start(search, restart, rows), rows)
                loss = self._loss(victim, search, restart, points)
                self._climb(victim, search, loss, points)
            yield (restart + 1) / self.restarts

    def _start(self, search: Search, restart: int, rows: Indices) -> Tensor:
        """Return where the active rows begin, before projection."""
        clean = search.pixels[rows]
        return clean + search.noise(restart, rows) if self.random_start else clean

    def _loss(self, victim: Victim, search: Search, restart: int, points: Tensor) -> Loss:
        """Return what a restart climbs from these points of the active rows."""
        del search, points
        return CrossEntropy(victim.scale * TEMPERATURES[restart % len(TEMPERATURES)])

    def _climb(self, victim: Victim, search: Search, loss: Loss, points: Tensor) -> None:
        """Take the steps; the image itself is no candidate, a random start is one."""
        step, rows = self.relative_step * search.epsilon / self.steps, search.active()
        velocity = torch.zeros_like(points)
        for index in range(self.steps + 1):
            if not len(rows):
                return
            at = ascend(
                *(victim, search, loss, points, rows),
                offered=self.random_start or index > 0,
                gradient=index < self.steps,
            )
            if at.gradient is not None:
                velocity = self._velocity(velocity, at.gradient)
                points = search.project(points + step * velocity.sign(), rows)
            resists = search.margins[rows] >= 0
            kept = torch.from_numpy(resists)
            rows, points, velocity = rows[resists], points[kept], velocity[kept]

    def _velocity(self, before: Tensor, gradient: Tensor) -> Tensor:
        """Return the direction of a step, of which the sign counts, from the one before."""
        del before
        return gradient
