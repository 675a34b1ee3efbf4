# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Multi-strength adversarial training (MAT; Song et al. 2017, arXiv 1705.09764).

Mixed MAT puts all strengths into each minibatch and needs no more memory than one; parallel MAT
runs a branch for each strength through the same weights and adds up their losses.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from flow.objectives._checks import require
from flow.objectives.ascent import AttackSettings, ascend, uniform_start
from flow.objectives.base import Batch, Logits, Model, Objective, Outcome, cross_entropy_outcome

__all__ = ["MatMixed", "MatParallel", "MatSettings"]


@dataclass(frozen=True, kw_only=True)
class MatSettings(AttackSettings):
    """FGSM at several strengths.

    `strengths` are shares of epsilon in 0..1; 0 is the clean image. How many there are, how far
    apart and whether the clean image is among them is our choice: the paper's own values were not
    at hand. Its attack is FGSM; more steps make each strength a PGD.
    """

    steps: int = 1
    relative_step: float = 1.0
    random_start: bool = False
    strengths: tuple[float, ...] = (0.0, 1 / 3, 2 / 3, 1.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        holds = len(self.strengths) > 0 and all(0 <= share <= 1 for share in self.strengths)
        require("strengths", self.strengths, holds, "one or more shares of epsilon in 0..1")


class _Mat(Objective):
    settings_type = MatSettings

    def _attack(self, victim: Logits, batch: Batch, strengths: Tensor) -> Tensor:
        """Attack image i with strengths[i], float[N] in uint8 units."""
        clean, epsilon = batch.images, strengths[:, None, None, None]
        start = clean
        if self.settings.random_start:
            start = uniform_start(clean, epsilon, batch.generator)

        def loss(images: Tensor) -> Tensor:
            return F.cross_entropy(victim(images), batch.labels, reduction="sum")

        return ascend(loss, start, clean, epsilon, self.settings)


class MatMixed(_Mat):
    """Mean CE(f(x'), y) over a minibatch in which equally many images have each strength."""

    name: ClassVar[str] = "mat_mixed"

    def loss(self, model: Model, batch: Batch) -> Outcome:
        """Return the mean cross-entropy of the mixed minibatch; see Objective.loss."""
        shares, count = torch.tensor(self.settings.strengths), len(batch.images)
        turns = torch.randperm(count, generator=batch.generator) % len(shares)
        strengths = (shares[turns] * batch.epsilon_255).to(batch.images.device)
        with model.attacked() as victim:
            attacked = self._attack(victim, batch, strengths)
        return cross_entropy_outcome(model, attacked, batch.labels)


class MatParallel(_Mat):
    """Sum over the strengths of the mean CE(f(x'), y), every image at every strength.

    The sum is n times as large as a single loss; lower the learning rate where the optimiser
    minds (SGD does, AdamW does not).
    """

    name: ClassVar[str] = "mat_parallel"

    def loss(self, model: Model, batch: Batch) -> Outcome:
        """Return the sum of the branches' losses; `attacked` has the branches one by one."""
        branches = []
        with model.attacked() as victim:
            for share in self.settings.strengths:
                strengths = torch.full((len(batch.images),), share * batch.epsilon_255)
                branches.append(self._attack(victim, batch, strengths.to(batch.images.device)))
        logits = [model(images) for images in branches]
        return Outcome(
            loss=torch.stack([F.cross_entropy(one, batch.labels) for one in logits]).sum(),
            attacked=torch.cat(branches),
            right=torch.stack([(one.argmax(1) == batch.labels).sum() for one in logits]).sum(),
        )
