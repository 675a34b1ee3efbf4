# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Training on interval bounds (Gowal et al. 2018), alone and mixed with attacks.

MTL-IBP is De Palma et al., "Expressive losses for verified robustness", ICLR 2024.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from flow.objectives._checks import require
from flow.objectives._interval import Box, margin_bounds, settle_norms
from flow.objectives.ascent import AttackSettings, ball, cross_entropy_ascent, uniform_start
from flow.objectives.base import Batch, Model, Objective, Outcome

__all__ = ["Ibp", "IbpSettings", "MtlIbp", "MtlIbpSettings"]


@dataclass(frozen=True, kw_only=True)
class IbpSettings:
    """Gowal et al.'s kappa falls from `clean_start` to `clean_weight` while epsilon rises.

    Theirs ends at 1/2. `logit_gain` multiplies logits and margins in the loss alone: the size of
    the logits decides how soon an image that is proven stops to pull.
    """

    clean_weight: float = 0.0
    clean_start: float = 1.0
    logit_gain: float = 1.0

    def __post_init__(self) -> None:
        require("clean_weight", self.clean_weight, 0 <= self.clean_weight <= 1, "within 0..1")
        require("clean_start", self.clean_start, 0 <= self.clean_start <= 1, "within 0..1")
        require("logit_gain", self.logit_gain, self.logit_gain > 0, "above 0")


class Ibp(Objective):
    """CE of the worst margins that interval arithmetic allows, beside the clean CE.

    The worst logit of class j is -(lower bound of logit[y] - logit[j]). The trainer's epsilon
    warm-up is the paper's ramp: at epsilon 0 this is the clean cross-entropy. BatchNorms become
    gains and biases, since statistics of batches have no place in a bound.
    """

    name: ClassVar[str] = "ibp"
    settings_type: ClassVar[type[IbpSettings]] = IbpSettings
    settings: IbpSettings

    def prepare(self, network: nn.Module) -> None:
        """Settle the BatchNorms; see flow.objectives._interval.settle_norms."""
        settle_norms(network)

    def loss(self, model: Model, batch: Batch) -> Outcome:
        """Return the mean of both terms; `attacked` counts an image right if it is proven."""
        logits, margins = self._bounds(model, batch)
        proven = self._entropy(-margins, batch.labels)
        return self._outcome(self._with_clean(proven, logits, batch), margins, batch)

    def _clean_share(self, batch: Batch) -> float:
        start, end = self.settings.clean_start, self.settings.clean_weight
        return start + (end - start) * batch.ramp

    def _bounds(self, model: Model, batch: Batch) -> tuple[Tensor, Tensor]:
        low, high = ball(batch.images, batch.epsilon_255)
        clean = batch.images if self._clean_share(batch) else batch.images[:0]
        box = Box(clean / 255, low / 255, high / 255)
        return margin_bounds(model.network, box, batch.labels)

    def _entropy(self, logits: Tensor, labels: Tensor) -> Tensor:
        return F.cross_entropy(self.settings.logit_gain * logits, labels)

    def _with_clean(self, hard: Tensor, logits: Tensor, batch: Batch) -> Tensor:
        """Mix the clean images' cross-entropy in, of which there are none at weight 0."""
        share = self._clean_share(batch)
        if not share:
            return hard
        return share * self._entropy(logits, batch.labels) + (1 - share) * hard

    def _outcome(self, loss: Tensor, margins: Tensor, batch: Batch) -> Outcome:
        others = torch.scatter(margins.detach(), 1, batch.labels[:, None], torch.inf)
        right = (others.amin(1) > 0).sum()
        return Outcome(loss=loss, attacked=batch.images, right=right)


@dataclass(frozen=True, kw_only=True)
class MtlIbpSettings(IbpSettings, AttackSettings):
    """`bound_weight` is the paper's alpha: what is not on the bounds is on attacked images."""

    steps: int = 1
    relative_step: float = 2.0
    bound_weight: float = 0.5

    def __post_init__(self) -> None:
        IbpSettings.__post_init__(self)
        AttackSettings.__post_init__(self)
        require("bound_weight", self.bound_weight, 0 <= self.bound_weight <= 1, "within 0..1")


class MtlIbp(Ibp):
    """alpha * CE of the bounds + (1 - alpha) * CE of attacked images (their equation 9).

    `clean_weight` is taken of the whole, as in Ibp. The attack is sign-gradient ascent from a
    random start.
    """

    name: ClassVar[str] = "mtl_ibp"
    settings_type: ClassVar[type[IbpSettings]] = MtlIbpSettings
    settings: MtlIbpSettings

    def loss(self, model: Model, batch: Batch) -> Outcome:
        """Return the mixture; see Ibp.loss."""
        logits, margins = self._bounds(model, batch)
        attacked = self._attack(model, batch)
        none = attacked[:0]
        hit, _ = margin_bounds(model.network, Box(attacked / 255, none, none), batch.labels[:0])
        alpha, proven = self.settings.bound_weight, self._entropy(-margins, batch.labels)
        hard = alpha * proven + (1 - alpha) * self._entropy(hit, batch.labels)
        found = self._outcome(self._with_clean(hard, logits, batch), margins, batch)
        return replace(found, attacked=attacked)

    def _attack(self, model: Model, batch: Batch) -> Tensor:
        if not batch.epsilon_255:
            return batch.images
        start = uniform_start(batch.images, batch.epsilon_255, batch.generator)
        with model.attacked() as victim:
            return cross_entropy_ascent(victim, batch, self.settings, start=start)
