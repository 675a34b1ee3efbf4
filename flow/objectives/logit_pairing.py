# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Adversarial logit pairing (Kannan, Kurakin, Goodfellow 2018).

Engstrom, Ilyas and Athalye (2018) show that stronger attacks break networks trained by it: compare
it with the other objectives under a worst case of several attacks.
"""

from dataclasses import dataclass
from typing import ClassVar

from torch.nn import functional as F

from flow.objectives._checks import require
from flow.objectives.base import Batch, Model, Outcome
from flow.objectives.pgd import Pgd, PgdSettings

__all__ = ["LogitPairing", "LogitPairingSettings"]


@dataclass(frozen=True, kw_only=True)
class LogitPairingSettings(PgdSettings):
    """PGD's settings, and the weight of the pairs, 0.5 as for the paper's ImageNet."""

    weight: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        require("weight", self.weight, self.weight >= 0, "at least 0")


class LogitPairing(Pgd):
    """(CE(f(x), y) + CE(f(x'), y)) / 2 + weight * (f(x) - f(x'))^2, means over batch and logits.

    x' is PGD's. As in the paper's minibatches half of the images are clean.
    """

    name: ClassVar[str] = "logit_pairing"
    settings_type: ClassVar[type[LogitPairingSettings]] = LogitPairingSettings
    settings: LogitPairingSettings

    def loss(self, model: Model, batch: Batch) -> Outcome:
        """Return the sum of the terms; see Objective.loss."""
        attacked = self._attack(model, batch)
        clean, logits = model(batch.images), model(attacked)
        natural, robust = (F.cross_entropy(found, batch.labels) for found in (clean, logits))
        return Outcome(
            loss=(natural + robust) / 2 + self.settings.weight * F.mse_loss(clean, logits),
            attacked=attacked,
            right=(logits.argmax(1) == batch.labels).sum(),
        )
