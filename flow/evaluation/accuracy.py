# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""How a measured accuracy under attack is written down, and its interval."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from flow.errors import FlowError

__all__ = ["BoardUse", "RobustAccuracy", "joined", "wilson_interval"]


@dataclass(frozen=True, kw_only=True)
class BoardUse:
    """What a board did for a row.

    Attributes:
        digest: hex, of the accelerator on it.
        clock_mhz: of its kernel; 0 for a simulation.
        queries: images that it classified.
        seconds: that the host waited for it.
    """

    digest: str
    clock_mhz: float
    queries: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class RobustAccuracy:
    """One row of the report: who was attacked, how, and how many images held.

    Attributes:
        engine: what computed the victim's logits (integer, rtlsim, board, ...).
        attack: its name; several joined by + are a union.
        norm: of the ball, linf or l2.
        epsilon_255: radius of the ball in uint8 units.
        steps: gradient steps of one restart, or queries of a black box; the most of a union.
        ci95: Wilson interval of the accuracy.
        board: what it did, where the engine is a board; of a union the sum.
    """

    network: str
    engine: str
    attack: str
    norm: str
    epsilon_255: int
    steps: int
    restarts: int
    seed: int
    images: int
    accuracy: float
    ci95: tuple[float, float]
    board: BoardUse | None = None


def joined(rows: Sequence[RobustAccuracy], holds: NDArray[np.bool_]) -> RobustAccuracy:
    """Return the row of a union: the attacks' names joined by +, the largest of their budgets."""
    correct = int(holds.sum())
    return replace(
        rows[0],
        attack="+".join(row.attack for row in rows),
        steps=max(row.steps for row in rows),
        restarts=max(row.restarts for row in rows),
        accuracy=correct / len(holds),
        ci95=wilson_interval(correct, len(holds)),
        board=_together([row.board for row in rows if row.board]),
    )


def _together(uses: Sequence[BoardUse]) -> BoardUse | None:
    if not uses:
        return None
    queries, seconds = sum(use.queries for use in uses), sum(use.seconds for use in uses)
    return replace(uses[0], queries=queries, seconds=seconds)


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """Return the 95% score interval of a proportion (Wilson 1927), within 0..1.

    Raises:
        FlowError: not 0 <= successes <= trials with at least one trial.
    """
    if trials < 1 or not 0 <= successes <= trials:
        raise FlowError(f"Wilson interval: {successes} successes in {trials} trials are impossible")
    from scipy.stats import binomtest  # noqa: PLC0415  # takes most of a second

    found = binomtest(successes, trials).proportion_ci(method="wilson")
    return float(found.low), float(found.high)
