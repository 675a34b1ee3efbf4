# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Clean and robust accuracy on the held-out slice."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from flow.config import HeldOut
from flow.objectives import Batch, Model, TrainingSet
from flow.objectives.ascent import AttackSettings, ball, cross_entropy_ascent, uniform_start
from flow.progress import track
from flow.training.data import seeded

__all__ = ["Measured", "measure"]

_BATCH = 500  # images attacked at a time: bounds the memory
_TOTAL_STEPS = 2.5  # epsilons that all steps of the attack are long together (Madry et al. 2018)


@dataclass(frozen=True, order=True)
class Measured:
    """Shares of the held-out images; the better one has the higher robust, then clean accuracy."""

    robust: float
    clean: float


def measure(
    model: Model,
    data: TrainingSet,
    epsilon_255: float,
    settings: HeldOut,
) -> Measured:
    """Attack the images with PGD, the same random starts each time.

    An image is robust when the clean one and every restart's, rounded to uint8, are classified
    right. Training's attack is weak beside flow.attacks: this is for choosing, not for reporting.
    """
    attack = AttackSettings(steps=settings.steps, relative_step=_TOTAL_STEPS / settings.steps)
    generator, clean, robust = seeded(0, -1), 0, 0
    starts = range(0, len(data.labels), _BATCH)
    for start in track(starts, "held-out images", unit="batches"):
        rows = slice(start, start + _BATCH)
        batch = Batch(
            images=data.images[rows].to(model.device).float(),
            labels=data.labels[rows].to(model.device),
            epsilon_255=float(math.floor(epsilon_255)),
            generator=generator,
        )
        right = _right(model, batch.images, batch)
        clean += int(right.sum())
        for _ in range(settings.restarts if batch.epsilon_255 else 0):
            right &= _right(model, _attacked(model, batch, attack), batch)
        robust += int(right.sum())
    return Measured(robust=robust / len(data.labels), clean=clean / len(data.labels))


def _attacked(model: Model, batch: Batch, attack: AttackSettings) -> Tensor:
    start = uniform_start(batch.images, batch.epsilon_255, batch.generator)
    with model.attacked() as victim:
        found = cross_entropy_ascent(victim, batch, attack, start=start)
    return torch.clamp(found.round(), *ball(batch.images, batch.epsilon_255))


def _right(model: Model, images: Tensor, batch: Batch) -> Tensor:
    with torch.no_grad(), model.attacked() as victim:
        return victim(images).argmax(1) == batch.labels
