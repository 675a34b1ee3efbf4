# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Learning rate and epsilon as functions of the epochs done."""

import math
from dataclasses import dataclass

from flow.config import Schedule

__all__ = ["Phase", "epsilon", "phase_of", "warmup_cosine"]

_LOWEST = 0.05  # where the rise starts


@dataclass(frozen=True)
class Phase:
    """A run of epochs with a learning-rate cycle of its own."""

    quantized: bool
    first: int  # its first epoch, from 0
    epochs: int
    learning_rate: float
    warmup: float

    @property
    def name(self) -> str:
        """As it stands in reports."""
        return "quantized" if self.quantized else "float"

    def rate(self, done: float) -> float:
        """Return the learning rate after `done` epochs of the whole training."""
        share = (done - self.first) / self.epochs
        return self.learning_rate * warmup_cosine(share, self.warmup)


def phase_of(epoch: int, schedule: Schedule) -> Phase:
    """Return the phase of an epoch, counted from 0."""
    rate, before = schedule.learning_rate, schedule.float_epochs
    warmup = schedule.learning_rate_warmup
    if epoch < before:
        return Phase(False, 0, before, schedule.float_learning_rate or rate, warmup)
    return Phase(True, before, schedule.epochs, rate, warmup)


def warmup_cosine(progress: float, warmup: float) -> float:
    """Return the share of the peak at `progress` 0..1: a linear rise from 1/20, a cosine to 0."""
    if progress < warmup:
        return _LOWEST + (1 - _LOWEST) * progress / warmup
    return 0.5 * (1 + math.cos(math.pi * (progress - warmup) / (1 - warmup)))


def epsilon(done: float, schedule: Schedule) -> float:
    """Return the attack's strength in uint8 units after `done` epochs."""
    length = schedule.warmup_epochs
    return schedule.epsilon_255 * (min(1.0, done / length) if length else 1.0)
