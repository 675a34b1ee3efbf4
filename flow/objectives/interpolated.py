# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Interpolated adversarial training (Lamb et al., AISec 2019): mixup of clean and of attacked."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from flow.objectives._checks import require
from flow.objectives.base import Batch, Model, Outcome
from flow.objectives.pgd import Pgd, PgdSettings

__all__ = ["Interpolated", "InterpolatedSettings", "mix"]


@dataclass(frozen=True, kw_only=True)
class InterpolatedSettings(PgdSettings):
    """The paper's mixup with Beta(1, 1) and PGD of 7 steps of 2/255 at epsilon 8/255."""

    mixup_alpha: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require("mixup_alpha", self.mixup_alpha, self.mixup_alpha > 0, "above 0")


class Interpolated(Pgd):
    """(mixup loss of the clean images + mixup loss of the attacked images) / 2.

    Mixup (Zhang et al. 2018) trains on share * x_i + (1 - share) * x_j with the two labels'
    cross-entropies weighted alike. One share a minibatch; the clean and the attacked images have
    their own shares and partners, which the paper leaves open.
    """

    name: ClassVar[str] = "interpolated"
    settings_type: ClassVar[type[PgdSettings]] = InterpolatedSettings
    settings: InterpolatedSettings

    def loss(self, model: Model, batch: Batch) -> Outcome:
        """Return the mean of the two mixup losses; `right` weighs the labels as the loss does."""
        attacked = self._attack(model, batch)
        clean_loss, _ = self._mixup(model, batch.images, batch)
        attacked_loss, right = self._mixup(model, attacked, batch)
        return Outcome(loss=(clean_loss + attacked_loss) / 2, attacked=attacked, right=right)

    def _mixup(self, model: Model, images: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        share, partners = mix(len(images), self.settings.mixup_alpha, batch.generator)
        partners = partners.to(images.device)
        logits = model(share * images + (1 - share) * images[partners])
        both = (share, batch.labels), (1 - share, batch.labels[partners])
        losses = [weight * F.cross_entropy(logits, labels) for weight, labels in both]
        rights = [weight * (logits.argmax(1) == labels).sum() for weight, labels in both]
        return torch.stack(losses).sum(), torch.stack(rights).sum()


def mix(count: int, alpha: float, generator: torch.Generator) -> tuple[float, Tensor]:
    """Draw a share from Beta(alpha, alpha) and a partner int64[count] for each image."""
    seed = int(torch.randint(2**63 - 1, (), generator=generator))
    return float(np.random.default_rng(seed).beta(alpha, alpha)), torch.randperm(
        count, generator=generator
    )
