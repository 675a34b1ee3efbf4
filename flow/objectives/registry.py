# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Objectives by the names that configurations and reports use."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from flow.errors import FlowError
from flow.objectives.base import Objective
from flow.objectives.boundary import Boundary
from flow.objectives.distillation import Distillation
from flow.objectives.feedback import Feedback
from flow.objectives.fgsm import Fgsm
from flow.objectives.ibp import Ibp, MtlIbp
from flow.objectives.interpolated import Interpolated
from flow.objectives.logit_pairing import LogitPairing
from flow.objectives.mart import Mart
from flow.objectives.mat import MatMixed, MatParallel
from flow.objectives.pgd import Pgd
from flow.objectives.standard import Standard
from flow.objectives.trades import Trades
from steelflow_names import hint

__all__ = ["OBJECTIVES", "build_objective"]

_ALL: tuple[type[Objective], ...] = (
    Standard,
    Fgsm,
    Pgd,
    Trades,
    Mart,
    LogitPairing,
    Distillation,
    Interpolated,
    MatMixed,
    MatParallel,
    Feedback,
    Boundary,
    Ibp,
    MtlIbp,
)
OBJECTIVES = {one.name: one for one in _ALL}


def build_objective(name: str, options: Mapping[str, Any] | None = None) -> Objective:
    """Return the objective of that name; `options` replace hyperparameters of its paper.

    Raises:
        FlowError: the name or an option is unknown, or an option's value is out of range.
    """
    if name not in OBJECTIVES:
        raise FlowError(f"objective: {name!r} is unknown{hint(name, OBJECTIVES)}")
    kind, chosen = OBJECTIVES[name], dict(options or {})
    known = [field.name for field in fields(kind.settings_type)]
    for key in chosen:
        if key not in known:
            raise FlowError(f"objective {name}: there is no setting {key!r}{hint(key, known)}")
    return kind(kind.settings_type(**chosen))
