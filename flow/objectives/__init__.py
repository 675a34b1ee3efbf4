# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Training objectives: a minibatch and the network in, a scalar loss and attacked images out."""

from flow.objectives.base import Batch, Model, Objective, Outcome, TrainingSet
from flow.objectives.registry import OBJECTIVES, build_objective

__all__ = [
    "OBJECTIVES",
    "Batch",
    "Model",
    "Objective",
    "Outcome",
    "TrainingSet",
    "build_objective",
]
