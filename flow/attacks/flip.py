# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Flip: tabu search over the cells of the network's first thresholds.

A network that reads its image in few bits sees only in which cell each pixel lies. Gradients and
random squares move in a continuous ball and miss combinations of cells; there are few pixels whose
cell can change, and to flip one changes few sums.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch

from flow.attacks._ascent import ascend
from flow.attacks._search import Indices, Search
from flow.attacks._victim import Victim
from flow.attacks.base import Attack
from flow.attacks.losses import RivalCrossEntropy
from flow.attacks.projected_gradient import TEMPERATURES
from flow.classifier import Images
from flow.errors import FlowError
from flow.integer import IntegerNetwork
from flow.integer.incremental import Cells, IncrementalNetwork, cell_numbers, cells_of

__all__ = ["Flip"]

_FEW_CELLS = 4  # of a pixel; with more of them a move goes to the ball's ends only
_REACH = 2.5  # epsilons that all gradient steps are long together


@dataclass(frozen=True, kw_only=True)
class Flip(Attack):
    """Move the pixel whose move lowers the least margin most, even upwards, then let it rest.

    Glover's tabu search (1989) with a tenure of 4 moves. The margin is counted as the argmax counts
    ties. It starts from the cells of the clean image and of the end points of short gradient
    attacks, each time from the moves together that alone help against one class; where all of
    that fails it goes on from annealed images until the evaluations are spent. An image of 8 bits
    has a cell for every value: then pixels move to the ends of their range and back.

    Attributes:
        steps: images evaluated for each image under attack in one restart.
        gradient_starts: end points of sign-gradient ascent to start from, beside the image.
        gradient_steps: of each of those ascents.
    """

    name: ClassVar[str] = "flip"
    by_gradient: ClassVar[bool] = False
    any_goal: ClassVar[bool] = False
    steps: int = 8000
    restarts: int = 1
    gradient_starts: int = 3
    gradient_steps: int = 10

    def _search(self, victim: Victim, search: Search) -> Iterator[float]:
        engine = IncrementalNetwork(_integer_network(victim))
        numbers = cell_numbers(engine.network)
        for restart in range(self.restarts):
            ends = self._end_points(victim, search, restart)
            rows = search.active()
            for place, row in enumerate(rows):
                cells = _movable(cells_of(numbers, search.clean[row], search.epsilon))
                if cells.count:
                    found = self._flip(engine, search, restart, row, cells, ends)
                    search.offer(found, victim.engine.logits(found), np.array([row]))
                yield (restart + place / len(rows)) / self.restarts
            yield (restart + 1) / self.restarts

    def _flip(  # noqa: PLR0917 - all of them one thing to search
        self,
        engine: IncrementalNetwork,
        search: Search,
        restart: int,
        row: int,
        cells: Cells,
        ends: list[Images],
    ) -> Images:
        """Return the best image uint8[1, H, W, C] for a row."""
        starts = np.stack([cells.clean, *(cells.of(end[row]) for end in ends)])
        seed = int(search.generator(restart, row).integers(2**31))
        label = int(search.labels[row])
        found = engine.flip(
            *(search.clean[row], label, cells), starts=starts, evaluations=self.steps, seed=seed
        )
        return found.image[None]

    def _end_points(self, victim: Victim, search: Search, restart: int) -> list[Images]:
        """Return uint8[N, H, W, C] for each ascent; what breaks on the way is offered."""
        found = []
        for start in range(self.gradient_starts):
            ends, rows = search.clean.copy(), search.active()
            if len(rows):
                ends[rows] = self._ascend(
                    victim, search, restart * self.gradient_starts + start, rows
                )
            found.append(ends)
        return found

    def _ascend(self, victim: Victim, search: Search, number: int, rows: Indices) -> Images:
        temperature = victim.scale * TEMPERATURES[number % len(TEMPERATURES)]
        loss = RivalCrossEntropy(torch.tensor([temperature], dtype=torch.float64))
        points = search.project(search.pixels[rows] + search.noise(number, rows), rows)
        step = _REACH * search.epsilon / self.gradient_steps
        for _ in range(self.gradient_steps):
            at = ascend(victim, search, loss, points, rows)
            assert at.gradient is not None
            points = search.project(points + step * at.gradient.sign(), rows)
        ascend(victim, search, loss, points, rows, gradient=False)
        return points.round().to(torch.uint8).numpy()


def _movable(cells: Cells) -> Cells:
    most = int(np.diff(cells.start).max(initial=0))
    return cells if most <= _FEW_CELLS else cells.extremes()


def _integer_network(victim: Victim) -> IntegerNetwork:
    """Return the network whose thresholds are searched.

    Raises:
        FlowError: it is another engine, which has no thresholds to look at.
    """
    if victim.integers is not None:
        return victim.integers
    raise FlowError(
        f"attack flip: {type(victim.network).__name__} is no IntegerNetwork, whose first "
        "thresholds it searches; give the integer network as surrogate, or use square"
    )
