# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Adversarial training whose attack goes on from epoch to epoch.

Zheng et al., "Efficient adversarial training with transferable adversarial examples", CVPR 2020
(ATTA): what fooled the network of the last epoch is a good start against this one's. A few steps
an epoch so add up to a strong attack. The moves of Square (Andriushchenko et al., ECCV 2020) and
that only a larger margin replaces what was found are ours: coarse activations hide gradients.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from flow.objectives._attack import AttackSettings, ball, cross_entropy_ascent, uniform_start
from flow.objectives._checks import require
from flow.objectives._rectangles import rectangles
from flow.objectives.base import Batch, Logits, Model, Objective, Outcome, cross_entropy_outcome

__all__ = ["Accumulated", "AccumulatedSettings"]

_WHOLE = 127  # a perturbation of epsilon, as it is kept
_UNKNOWN = -128


@dataclass(frozen=True, kw_only=True)
class AccumulatedSettings(AttackSettings):
    """All of them our choice; ATTA takes one step, and neither queries nor noise.

    Attributes:
        steps: of the gradient's sign, each epoch.
        queries: random rectangles that are tried, each epoch.
        side: longest side of a rectangle in pixels.
        noise: added to what the queries found before the steps, in epsilons, uniform.
    """

    steps: int = 2
    relative_step: float = 0.5
    queries: int = 6
    side: int = 14
    noise: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require("queries", self.queries, self.queries >= 0, "at least 0")
        require("side", self.side, self.side >= 1, "at least 1")
        require("noise", self.noise, self.noise >= 0, "at least 0")


class Accumulated(Objective):
    """CE(f(x'), y) with x' the best attack of this and all earlier epochs.

    Perturbations are kept in 1/127 of epsilon, so that they grow with its warm-up, and apply to an
    image however it was moved. Of several devices the first one's are kept.
    """

    name: ClassVar[str] = "accumulated"
    settings_type = AccumulatedSettings
    settings: AccumulatedSettings

    def __init__(self, settings: AccumulatedSettings | None = None) -> None:
        super().__init__(settings)
        self._kept = torch.zeros(0, dtype=torch.int8)  # [rows, C, H, W]

    def loss(self, model: Model, batch: Batch) -> Outcome:
        """Return the mean cross-entropy of the attacked images; see Objective.loss."""
        if batch.epsilon_255 == 0:
            return cross_entropy_outcome(model, batch.images, batch.labels)
        with model.attacked() as victim:
            attacked = self._attack(victim, batch, self._start(batch))
        self._keep(batch, attacked)
        return cross_entropy_outcome(model, attacked, batch.labels)

    def state_dict(self) -> dict[str, Any]:
        """Return the perturbations."""
        return {"kept": self._kept}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from them."""
        self._kept = state["kept"].clone()

    def _start(self, batch: Batch) -> Tensor:
        """Return what was kept, and vertical stripes of plus or minus epsilon elsewhere."""
        clean, epsilon = batch.images, batch.epsilon_255
        up = torch.rand(clean[:, :, :1].shape, generator=batch.generator) < 0.5
        moves = torch.where(up, 1.0, -1.0).expand(clean.shape)
        if batch.rows is not None:
            self._grow(batch.rows, clean)
            kept = self._kept[batch.rows]
            moves = torch.where(kept == _UNKNOWN, moves, kept / _WHOLE)
        return torch.clamp(clean + epsilon * moves.to(clean.device), *ball(clean, epsilon))

    def _attack(self, victim: Logits, batch: Batch, start: Tensor) -> Tensor:
        found, margins = start, _margins(victim, start, batch.labels)
        low, high = ball(batch.images, batch.epsilon_255)
        for _ in range(self.settings.queries):
            inside, up = rectangles(found.shape, self.settings.side, batch.generator)
            moved = torch.where(up.to(found.device), high, low)
            asked = torch.where(inside.to(found.device), moved, found)
            found, margins = _better(victim, batch.labels, (found, margins), asked)
        noisy = uniform_start(found, self.settings.noise * batch.epsilon_255, batch.generator)
        noisy = torch.clamp(noisy, low, high)
        climbed = cross_entropy_ascent(victim, batch, self.settings, start=noisy)
        return _better(victim, batch.labels, (found, margins), climbed)[0]

    def _keep(self, batch: Batch, attacked: Tensor) -> None:
        if batch.rows is not None:
            moves = (attacked - batch.images) / batch.epsilon_255
            self._kept[batch.rows] = (moves * _WHOLE).round().to("cpu", torch.int8)

    def _grow(self, rows: Tensor, images: Tensor) -> None:
        missing = int(rows.max()) + 1 - len(self._kept)
        if missing > 0:
            fresh = torch.full((missing, *images.shape[1:]), _UNKNOWN, dtype=torch.int8)
            self._kept = torch.cat((self._kept, fresh)) if len(self._kept) else fresh


def _margins(victim: Logits, images: Tensor, labels: Tensor) -> Tensor:
    """Return by how much the strongest wrong logit exceeds the right one, float[N]."""
    with torch.no_grad():
        logits = victim(images)
    right = logits.gather(1, labels[:, None])
    return logits.scatter(1, labels[:, None], -torch.inf).amax(dim=1) - right.squeeze(1)


def _better(
    victim: Logits, labels: Tensor, best: tuple[Tensor, Tensor], asked: Tensor
) -> tuple[Tensor, Tensor]:
    """Return images and margins with each image of `asked` that has the larger margin."""
    images, margins = best
    found = _margins(victim, asked, labels)
    chosen = found > margins
    return torch.where(chosen[:, None, None, None], asked, images), torch.maximum(found, margins)
