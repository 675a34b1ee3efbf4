# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Transfer: PGD on a substitute that was trained on the victim's answers (Papernot et al. 2017)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from flow.attacks._search import Indices, Search
from flow.attacks._substitute import Substitute, train_substitute
from flow.attacks._victim import Victim
from flow.attacks.base import Attack
from flow.classifier import Images, Labels

__all__ = ["Transfer"]


@dataclass(frozen=True, kw_only=True)
class Transfer(Attack):
    """Train a float network on the victim's labels, attack that, and judge on the victim.

    The substitute's PGD takes all its steps for every image, whatever the substitute says of it:
    an image that has only just crossed the substitute's boundary seldom transfers. Momentum would
    be Dong et al. 2018. One query an image and restart judges. All images of a run are one batch,
    so that there is one substitute.

    Attributes:
        steps: of PGD on the substitute.
        restarts: of PGD; the first starts at the image, the others at random.
        queries: that train the substitute, in all; the paper takes 6,400 for MNIST.
        epochs: of each round of its training; the paper's 10.
        step_255: of Jacobian-based augmentation; the paper's 0.1 of the range.
        relative_step: PGD's step size is relative_step * epsilon / steps.
        held_out: uint8[N, H, W, C], what the substitute learns from at first; the paper takes 150
            images of the test set. The images under attack when absent.
    """

    name: ClassVar[str] = "transfer"
    white_box: ClassVar[bool] = False
    together: ClassVar[bool] = True
    batch: ClassVar[int] = 1_000_000
    steps: int = 40
    restarts: int = 1
    queries: int = 2000
    epochs: int = 10
    step_255: float = 25.5
    relative_step: float = 2.5
    held_out: Images | None = None

    def _search(self, victim: Victim, search: Search) -> Iterator[float]:
        substitute = self._substitute(victim, search)
        for restart in range(self.restarts):
            rows = search.active()
            if len(rows):
                found = self._climb(substitute, search, restart, rows)
                search.offer(found, victim.engine.logits(found), rows)
            yield (restart + 1) / self.restarts

    def _substitute(self, victim: Victim, search: Search) -> Substitute:
        def ask(images: Images) -> Labels:
            labels: Labels = victim.engine.logits(images).argmax(axis=1).astype(np.int64)
            return labels

        first = search.clean if self.held_out is None else self.held_out
        return train_substitute(
            *(ask, first, victim.classes),
            queries=self.queries,
            epochs=self.epochs,
            step_255=self.step_255,
            seed=search.seed,
        )

    def _climb(self, substitute: Substitute, search: Search, restart: int, rows: Indices) -> Images:
        """Return uint8[n, H, W, C], where sign-gradient ascent of the cross-entropy ends."""
        points, labels = search.pixels[rows], torch.from_numpy(search.labels[rows])
        if restart:
            points = search.project(points + search.noise(restart, rows), rows)
        step = self.relative_step * search.epsilon / self.steps
        for _ in range(self.steps):
            points = search.project(points + step * _gradient(substitute, points, labels), rows)
        found: Images = points.round().to(torch.uint8).numpy()
        return found


def _gradient(substitute: Substitute, points: Tensor, labels: Tensor) -> Tensor:
    at = points.detach().requires_grad_()
    loss = functional.cross_entropy(substitute(at), labels, reduction="sum")
    return torch.autograd.grad(loss, at)[0].sign()
