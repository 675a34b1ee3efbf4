# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Other ways to search the same space for the same number of trainings, and who gets how far."""

from collections.abc import Mapping

import numpy as np

from flow.search.goals import goal_values, worst_values
from flow.search.pareto import hypervolume
from flow.search.search import Outcome
from flow.search.settings import SearchConfig
from flow.tables import Row

__all__ = ["compared", "rivals", "volumes"]


def rivals(config: SearchConfig) -> dict[str, SearchConfig]:
    """Return the searches to compare with, by name; budgets, limits and seed are the same.

    "random search" draws candidates and asks nobody; "uniform bits" has the same bits in all
    layers of a network (weights and activations may differ) and the sampler of the search.
    """
    uniform = config.space.model_copy(update={"each_layer": False})
    changes: dict[str, dict[str, object]] = {
        "random search": {"sampler": "random"},
        "uniform bits": {"space": uniform},
    }
    return {
        name: config.model_copy(update={"name": f"{config.name}_{name.split()[0]}", **change})
        for name, change in changes.items()
    }


def compared(config: SearchConfig, outcomes: Mapping[str, Outcome]) -> list[Row]:
    """Return a row a search: what its front is worth, and what was trained for it."""
    found = volumes(config, outcomes)
    return [
        {
            "search": name,
            "hypervolume": round(found[name], 4),
            "candidates": len(one.tried),
            "in_full": len(one.finalists),
            "front": len(one.front),
            "worst_case": max((this.measured.worst_case for this in one.front), default=0.0),
        }
        for name, one in outcomes.items()
    ]


def volumes(config: SearchConfig, outcomes: Mapping[str, Outcome]) -> dict[str, float]:
    """Return the hypervolume of each front, by what was measured, as a share of the box.

    The box lies between the limits (no accuracy, all LUTs, the least frames/s) and perfection: an
    accuracy of 1, no LUT, and the most frames/s of all fronts.
    """
    worst = np.array(worst_values(config))
    points = {
        name: np.array(
            [goal_values(config.goals, found.measured, found.measured) for found in one.front]
        ).reshape(-1, len(worst))
        for name, one in outcomes.items()
    }
    most = np.concatenate([worst[None], *points.values()]).max(axis=0)
    best = [{"lut": 0.0, "fps": most[i]}.get(goal, 1.0) for i, goal in enumerate(config.goals)]
    size = np.where(np.array(best) > worst, np.array(best) - worst, 1.0)
    zero = [0.0] * len(worst)
    return {name: hypervolume((some - worst) / size, zero) for name, some in points.items()}
