# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Adversarially robust distillation (Goldblum et al., AAAI 2020) from the network in float."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor
from torch.nn import functional as F

from flow.objectives._checks import require
from flow.objectives.base import Batch, Model, Outcome, cross_entropy_outcome
from flow.objectives.pgd import Pgd, PgdSettings

__all__ = ["Distillation", "DistillationSettings"]


@dataclass(frozen=True, kw_only=True)
class DistillationSettings(PgdSettings):
    """The paper's: all weight on the teacher, temperature 30."""

    teacher_weight: float = 1.0  # the paper's alpha
    temperature: float = 30.0

    def __post_init__(self) -> None:
        super().__post_init__()
        weight = self.teacher_weight
        require("teacher_weight", weight, 0 <= weight <= 1, "within 0..1")
        require("temperature", self.temperature, self.temperature > 0, "above 0")


class Distillation(Pgd):
    """alpha T^2 KL(t(x) || f(x')) + (1 - alpha) CE(f(x), y), those of KL at temperature T.

    Their equation 3, with the plain CE of their published code. The teacher t is the network
    without quantizers at the end of the float epochs, in which this is Pgd, so that it is robust;
    x' is Pgd's, by the labels.
    """

    name: ClassVar[str] = "distillation"
    settings_type: ClassVar[type[DistillationSettings]] = DistillationSettings
    has_teacher: ClassVar[bool] = True
    settings: DistillationSettings

    def loss(self, model: Model, batch: Batch) -> Outcome:
        """Return the mixture; see Objective.loss."""
        attacked, teacher = self._attack(model, batch), batch.teacher
        if teacher is None:
            return cross_entropy_outcome(model, attacked, batch.labels)
        logits, weight = model(attacked), self.settings.teacher_weight
        loss = weight * self._distance(logits, teacher(batch.images))
        if weight < 1:
            loss = loss + (1 - weight) * F.cross_entropy(model(batch.images), batch.labels)
        right = (logits.argmax(1) == batch.labels).sum()
        return Outcome(loss=loss, attacked=attacked, right=right)

    def _distance(self, logits: Tensor, wanted: Tensor) -> Tensor:
        degree = self.settings.temperature
        found, goal = (F.log_softmax(one / degree, dim=1) for one in (logits, wanted))
        return degree**2 * F.kl_div(found, goal, reduction="batchmean", log_target=True)
