# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""TRADES (Zhang et al., ICML 2019): accuracy and smoothness as two terms."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from flow.objectives._checks import require
from flow.objectives.ascent import AttackSettings, ascend, gaussian_start
from flow.objectives.base import Batch, Model, Objective, Outcome

__all__ = ["Trades", "TradesSettings"]


@dataclass(frozen=True, kw_only=True)
class TradesSettings(AttackSettings):
    """The paper's CIFAR-10 settings: 1/lambda = 6; 10 steps of 0.007 at epsilon 0.031."""

    steps: int = 10
    relative_step: float = 0.007 / 0.031
    beta: float = 6.0  # the paper's 1 / lambda
    start_deviation_255: float = 0.255  # 0.001 of the range, as in the published code

    def __post_init__(self) -> None:
        super().__post_init__()
        require("beta", self.beta, self.beta >= 0, "at least 0")
        deviation = self.start_deviation_255
        require("start_deviation_255", deviation, deviation > 0, "above 0")


class Trades(Objective):
    """CE(f(x), y) + beta * KL(f(x) || f(x')), means over the batch (for several classes).

    x' maximises the KL; gradients of both terms reach the weights through f(x) and f(x'). The
    clean and the attacked images pass BatchNorm one after the other, as in the published code.
    """

    name: ClassVar[str] = "trades"
    settings_type = TradesSettings

    def loss(self, model: Model, batch: Batch) -> Outcome:
        """Return the sum of the two terms; see Objective.loss."""
        attacked = self._attack(model, batch)
        clean_logits = model(batch.images)
        logits = model(attacked)
        smoothness = _divergence(logits, F.softmax(clean_logits, dim=1)) / len(attacked)
        natural = F.cross_entropy(clean_logits, batch.labels)
        return Outcome(
            loss=natural + self.settings.beta * smoothness,
            attacked=attacked,
            right=(logits.argmax(1) == batch.labels).sum(),
        )

    def _attack(self, model: Model, batch: Batch) -> Tensor:
        clean, epsilon = batch.images, batch.epsilon_255
        if epsilon == 0:
            return clean
        start = gaussian_start(clean, epsilon, batch.generator, self.settings.start_deviation_255)
        with model.attacked() as victim:
            with torch.no_grad():
                reference = F.softmax(victim(clean), dim=1)
            return ascend(
                lambda images: _divergence(victim(images), reference),
                start,
                clean,
                epsilon,
                self.settings,
            )


def _divergence(logits: Tensor, reference: Tensor) -> Tensor:
    """Return the sum over the batch of KL(reference || softmax(logits))."""
    return F.kl_div(F.log_softmax(logits, dim=1), reference, reduction="sum")
