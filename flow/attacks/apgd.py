# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Auto-PGD: momentum, and steps that are halved where the loss stops rising (Croce, Hein 2020)."""

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from flow.attacks._ascent import ascend
from flow.attacks._search import Indices, Search
from flow.attacks._victim import Victim
from flow.attacks.base import Attack
from flow.attacks.losses import (
    DifferenceOfLogitsRatio,
    Loss,
    RivalCrossEntropy,
    TargetedLogitsRatio,
    need_classes,
)
from flow.attacks.projected_gradient import TEMPERATURES

__all__ = ["ApgdCe", "ApgdDlr", "ApgdTargetedDlr", "AutoPgd", "checkpoints"]

_MOMENTUM = 0.75  # alpha: share of the new step, the rest is the last one
_RISING = 0.75  # rho: of the steps since a checkpoint must have raised the loss


@dataclass(frozen=True, kw_only=True)
class AutoPgd(Attack):
    """Croce and Hein's algorithm 1 with their constants, on the uint8 grid (see ascend).

    Differences: an image leaves the search as soon as a candidate is misclassified, and every
    evaluated image is a candidate. Condition 1 is the paper's strict inequality; the authors' code
    also halves at equality.

    Attributes:
        steps: of one restart; the paper's standard is 100.
    """

    steps: int = 100
    restarts: int = 1

    @abstractmethod
    def _losses(self, victim: Victim, search: Search, restart: int) -> list[Loss]:
        """Return what one restart climbs, one after the other."""

    def _search(self, victim: Victim, search: Search) -> Iterator[float]:
        for restart in range(self.restarts):
            losses = self._losses(victim, search, restart)
            for index, loss in enumerate(losses):
                rows = search.active()
                if len(rows):
                    noise = search.noise(restart * len(losses) + index, rows)
                    largest = noise.flatten(1).abs().amax(1)[:, None, None, None]
                    start = search.pixels[rows] + search.epsilon * noise / largest
                    self._climb(victim, search, loss, search.project(start, rows))
                yield (restart + (index + 1) / len(losses)) / self.restarts

    def _climb(self, victim: Victim, search: Search, loss: Loss, points: Tensor) -> None:
        ends, rows = checkpoints(self.steps), search.active()
        at = ascend(victim, search, loss, points, rows)
        assert at.gradient is not None
        state = _State.start(points, at.loss, at.gradient, 2.0 * search.epsilon)
        last_end = 0
        for index in range(1, self.steps + 1):
            resists = search.margins[rows] >= 0
            rows, state = rows[resists], state.of(torch.from_numpy(resists))
            if not len(rows):
                return
            points = _moved(state, search, rows, _MOMENTUM if index > 1 else 1.0)
            at = ascend(victim, search, loss, points, rows, gradient=index < self.steps)
            if at.gradient is None:
                return
            state.arrive(points, at.loss, at.gradient)
            if index in ends:
                state.adapt(index - last_end)
                last_end = index


def checkpoints(steps: int) -> tuple[int, ...]:
    """Return the steps after which the step size may be halved (section 3.1 of the paper).

    w_j = ceil(p_j * steps), p_0 = 0, p_1 = 0.22, p_{j+1} = p_j + max(p_j - p_{j-1} - 0.03, 0.06).
    """
    ends, percent, width = [], 22, 22
    while percent <= 100:
        ends.append(-(-percent * steps // 100))
        width = max(width - 3, 6)
        percent += width
    return tuple(dict.fromkeys(ends))


def _moved(state: "_State", search: Search, rows: Indices, momentum: float) -> Tensor:
    """Return the next points: a projected step, averaged with the last movement (eq. 1)."""
    stepped = search.project(state.points + state.step * state.gradient.sign(), rows)
    ahead = momentum * (stepped - state.points) + (1 - momentum) * (state.points - state.before)
    return search.project(state.points + ahead, rows)


@dataclass
class _State:
    """Of the images that still resist, one entry each."""

    points: Tensor
    before: Tensor  # points of the step before
    loss: Tensor
    gradient: Tensor
    best_points: Tensor
    best_loss: Tensor
    best_gradient: Tensor
    step: Tensor  # [n, 1, 1, 1]
    rises: Tensor  # steps since the last checkpoint that raised the loss
    checked_loss: Tensor  # best loss at the last checkpoint
    halved: Tensor  # at the last checkpoint; true at first, as there was none

    @classmethod
    def start(cls, points: Tensor, loss: Tensor, gradient: Tensor, step: float) -> "_State":
        count = len(points)
        return cls(
            *(points, points, loss, gradient, points, loss, gradient),
            torch.full((count, 1, 1, 1), step),
            torch.zeros(count),
            loss,
            torch.ones(count, dtype=torch.bool),
        )

    def of(self, chosen: Tensor) -> "_State":
        return _State(*(getattr(self, field.name)[chosen] for field in fields(self)))

    def arrive(self, points: Tensor, loss: Tensor, gradient: Tensor) -> None:
        better, image = loss > self.best_loss, (slice(None), None, None, None)
        self.rises = self.rises + (loss > self.loss)
        self.best_points = torch.where(better[image], points, self.best_points)
        self.best_gradient = torch.where(better[image], gradient, self.best_gradient)
        self.best_loss = torch.where(better, loss, self.best_loss)
        self.before, self.points = self.points, points
        self.loss, self.gradient = loss, gradient

    def adapt(self, steps: int) -> None:
        """Halve the step where it is too long, and go on from the best point there."""
        stuck = ~self.halved & (self.checked_loss >= self.best_loss)
        self.halved = (self.rises < _RISING * steps) | stuck
        chosen = self.halved[:, None, None, None]
        self.step = torch.where(chosen, self.step / 2, self.step)
        self.points = torch.where(chosen, self.best_points, self.points)
        self.gradient = torch.where(chosen, self.best_gradient, self.gradient)
        self.rises, self.checked_loss = torch.zeros_like(self.rises), self.best_loss


class ApgdCe(AutoPgd):
    """On the cross-entropy, whose temperature is that of ProjectedGradient's restarts."""

    name: ClassVar[str] = "apgd_ce"

    def _losses(self, victim: Victim, search: Search, restart: int) -> list[Loss]:
        del search
        temperature = victim.scale * TEMPERATURES[restart % len(TEMPERATURES)]
        return [RivalCrossEntropy(torch.tensor([temperature], dtype=torch.float64))]


class ApgdDlr(AutoPgd):
    """On the difference of logits ratio."""

    name: ClassVar[str] = "apgd_dlr"
    any_goal: ClassVar[bool] = False  # it compares three logits

    def _losses(self, victim: Victim, search: Search, restart: int) -> list[Loss]:
        del search, restart
        need_classes(self.name, 3, victim.classes)
        return [DifferenceOfLogitsRatio()]


@dataclass(frozen=True, kw_only=True)
class ApgdTargetedDlr(AutoPgd):
    """On the targeted ratio, towards each of the classes that the clean image is nearest to.

    Attributes:
        targets: classes that one restart tries, by falling clean logit; the paper's 9.
    """

    name: ClassVar[str] = "apgd_dlr_targeted"
    any_goal: ClassVar[bool] = False  # it compares four
    targets: int = 9

    def _losses(self, victim: Victim, search: Search, restart: int) -> list[Loss]:
        del restart
        need_classes(self.name, 4, victim.classes)
        logits = np.array(victim.logits(search.clean, by_twin=True), dtype=np.float64)
        logits[np.arange(len(logits)), search.labels] = -np.inf
        order = torch.from_numpy(np.argsort(-logits, axis=1, kind="stable"))
        count = min(self.targets, victim.classes - 1)
        return [TargetedLogitsRatio(order[:, rank]) for rank in range(count)]
