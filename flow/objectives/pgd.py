# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Adversarial training with PGD (Madry et al., ICLR 2018)."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from flow.objectives.ascent import AttackSettings, cross_entropy_ascent, uniform_start
from flow.objectives.base import Batch, Model, Objective, Outcome, cross_entropy_outcome

__all__ = ["Pgd", "PgdSettings"]


@dataclass(frozen=True, kw_only=True)
class PgdSettings(AttackSettings):
    """The paper's CIFAR-10 attack: 7 steps of 2/255 at epsilon 8/255.

    For MNIST the paper takes 40 steps of 0.01 at epsilon 0.3.
    """

    steps: int = 7
    relative_step: float = 0.25
    random_start: bool = True


class Pgd(Objective):
    """CE(f(x'), y) with x' by sign-gradient ascent of the cross-entropy (their equation 2.1)."""

    name: ClassVar[str] = "pgd"
    settings_type: ClassVar[type[PgdSettings]] = PgdSettings

    def loss(self, model: Model, batch: Batch) -> Outcome:
        """Return the mean cross-entropy of the attacked images; see Objective.loss."""
        attacked = self._attack(model, batch)
        return cross_entropy_outcome(model, attacked, batch.labels)

    def _attack(self, model: Model, batch: Batch) -> Tensor:
        clean = batch.images
        if batch.epsilon_255 == 0:
            return clean
        start = clean
        if self.settings.random_start:
            start = uniform_start(clean, batch.epsilon_255, batch.generator)
        with model.attacked() as victim:
            return cross_entropy_ascent(victim, batch, self.settings, start=start)
