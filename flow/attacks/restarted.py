# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Any attack again and again, with other random draws, on what it has left."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flow.attacks._victim import Victim
from flow.attacks.wrapper import Wrapper
from flow.classifier import Differentiable, Images, Labels
from flow.errors import FlowError
from flow.progress import Report

__all__ = ["Restarted"]

_STRIDE = 7_368_787  # between the seeds of two runs, so that seeds 0, 1, 2 share none


@dataclass(frozen=True, kw_only=True)
class Restarted(Wrapper):
    """The worst image of `runs` runs of `attack`; the first run is the attack itself.

    Its `restarts` are those of all runs. An attack without random draws finds the same each time.
    """

    runs: int = 1

    def __post_init__(self) -> None:
        """Count the restarts of all runs."""
        if self.runs < 1:
            raise FlowError(f"attack.repeats {self.runs} is not at least 1; change it")
        vars(self)["restarts"] = self.runs * self.attack.restarts
        super().__post_init__()

    def run(
        self,
        network: Differentiable,
        images: Images,
        labels: Labels,
        epsilon_255: int,
        seed: int,
        *,
        only: NDArray[np.bool_] | None = None,
        progress: Report | None = None,
    ) -> Images:
        """See Attack."""
        best, least = images.copy(), np.full(len(images), np.inf)
        left = np.ones(len(images), np.bool_) if only is None else only.copy()
        engine, total = Victim(network).engine, int(left.sum())
        for number in range(self.runs):
            if not left.any():
                break
            draws = seed + number * _STRIDE
            found = self.attack.run(network, images, labels, epsilon_255, draws, only=left)
            margins = np.full(len(images), np.inf)
            margins[left] = self.goal.margins(engine.logits(found[left]), labels[left])
            worse = margins < least
            best[worse], least[worse] = found[worse], margins[worse]
            left &= least >= 0
            if progress:
                progress((number + 1) * total, self.runs * total)
        return best
