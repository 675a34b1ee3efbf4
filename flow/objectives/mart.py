# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""MART (Wang et al., ICLR 2020): misclassified images count more."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from flow.objectives._checks import require
from flow.objectives.ascent import AttackSettings, cross_entropy_ascent, gaussian_start
from flow.objectives.base import Batch, Model, Objective, Outcome

__all__ = ["Mart", "MartSettings"]

_TINY = 1e-12  # keeps logarithms finite, as in the published code
_MARGIN_TOP = 1.0001  # the published code's 1 in 1 - p of the margin term


@dataclass(frozen=True, kw_only=True)
class MartSettings(AttackSettings):
    """The paper's lambda of 5 (6 in a default of its code); 10 steps of 0.007 at epsilon 0.031."""

    steps: int = 10
    relative_step: float = 0.007 / 0.031
    weight: float = 5.0  # the paper's lambda
    start_deviation_255: float = 0.255  # 0.001 of the range, as in the published code

    def __post_init__(self) -> None:
        super().__post_init__()
        require("weight", self.weight, self.weight >= 0, "at least 0")
        deviation = self.start_deviation_255
        require("start_deviation_255", deviation, deviation >= 0, "at least 0")


class Mart(Objective):
    """BCE(f(x'), y) + lambda * KL(f(x) || f(x')) * (1 - f_y(x)), means over the batch.

    BCE is -log f_y(x') - log(1 - max over k != y of f_k(x')); x' maximises the cross-entropy.
    """

    name: ClassVar[str] = "mart"
    settings_type = MartSettings

    def loss(self, model: Model, batch: Batch) -> Outcome:
        """Return the sum of the two terms; see Objective.loss."""
        attacked = self._attack(model, batch)
        clean = F.softmax(model(batch.images), dim=1)
        logits = model(attacked)
        boosted = _boosted_cross_entropy(logits, batch.labels)
        doubt = 1 - clean.gather(1, batch.labels[:, None]).squeeze(1)
        probabilities = F.softmax(logits, dim=1)
        divergence = F.kl_div((probabilities + _TINY).log(), clean, reduction="none").sum(dim=1)
        return Outcome(
            loss=boosted + self.settings.weight * (divergence * doubt).mean(),
            attacked=attacked,
            right=(logits.argmax(1) == batch.labels).sum(),
        )

    def _attack(self, model: Model, batch: Batch) -> Tensor:
        clean, epsilon = batch.images, batch.epsilon_255
        if epsilon == 0:
            return clean
        start = gaussian_start(clean, epsilon, batch.generator, self.settings.start_deviation_255)
        with model.attacked() as victim:
            return cross_entropy_ascent(victim, batch, self.settings, start=start)


def _boosted_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the mean cross-entropy plus the margin term of the strongest wrong class.

    Of equal ones the first alone is trained, as in the published code: a maximum would share its
    gradient among them.
    """
    own = F.one_hot(labels, logits.shape[1]).bool()
    strongest = logits.masked_fill(own, -torch.inf).argmax(dim=1, keepdim=True)
    rival = F.softmax(logits, dim=1).gather(1, strongest)
    return F.cross_entropy(logits, labels) - torch.log(_MARGIN_TOP - rival).mean()
