# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Plain training: the cross-entropy of clean images."""

from dataclasses import dataclass
from typing import ClassVar

from flow.objectives.base import Batch, Model, Objective, Outcome, cross_entropy_outcome

__all__ = ["Standard", "StandardSettings"]


@dataclass(frozen=True, kw_only=True)
class StandardSettings:
    """Nothing to set."""


class Standard(Objective):
    """CE(f(x), y); epsilon plays no part."""

    name: ClassVar[str] = "standard"
    settings_type = StandardSettings

    def loss(self, model: Model, batch: Batch) -> Outcome:
        """Return the mean cross-entropy; see Objective.loss."""
        return cross_entropy_outcome(model, batch.images, batch.labels)
