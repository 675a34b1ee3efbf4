# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The goals of a search as numbers of which more is better, and what is no good at all."""

from collections.abc import Sequence
from typing import Any

from flow.search.settings import Goal, SearchConfig
from hw.parts import find_part

__all__ = ["goal_values", "worst_values"]

_FALLING = ("lut",)
_OF_COST = ("lut", "fps")


def goal_values(goals: Sequence[Goal], cost: Any, scores: Any) -> list[float]:  # noqa: ANN401
    """Return the goals' values, larger is better; what is not known yet is worst_case instead."""
    found = []
    for goal in goals:
        if goal in _OF_COST:
            found.append(float(getattr(cost, goal)) * (-1 if goal in _FALLING else 1))
        else:
            known = getattr(scores, goal, None)
            found.append(float(scores.worst_case if known is None else known))
    return found


def worst_values(config: SearchConfig) -> list[float]:
    """Return what each goal is worth at its limit: no accuracy, all LUTs, the least frames/s."""
    limits, parts = config.constraints, config.space.parts
    luts = max(find_part(name).lut for name in parts) if limits.lut is None else limits.lut
    known = {"lut": -float(luts), "fps": limits.fps or 0.0}
    return [known.get(goal, 0.0) for goal in config.goals]
