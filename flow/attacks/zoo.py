# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""ZOO: C&W's objective with gradients estimated from queries (Chen et al. 2017).

adversarial-robustness-toolbox has it in l2. Its differences of 1e-4 vanish on a victim that takes
uint8 images, its perturbations are clipped to 0..1, so that pixels only brighten, and it asks for
one image at a time; the tests compare both.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from flow.attacks._coordinates import Adam, Coordinates, Floats, slopes
from flow.attacks._nearest import Bits
from flow.attacks._search import Indices, Search, margins
from flow.attacks._victim import Victim
from flow.attacks.base import Attack

__all__ = ["Zoo", "ZooLinf"]

_AT_ONCE = 128  # coordinates of one step, as in the paper
_SEARCHES = 3  # of the weight c; the paper's nine are for hundreds of thousands of queries
_FIRST_WEIGHT = 1.0
_LEAST_RATE = 0.01  # of Adam, the paper's, for images in 0..1
_GREYS = np.zeros((1, 1), np.float32), np.full((1, 1), 255, np.float32)
_TRAVEL = 0.25  # that l2's Adam steps can add up to, for images in 0..1


@dataclass(frozen=True, kw_only=True)
class _ZerothOrder(Attack):
    """Adam, 128 random coordinates a step, on the margin's symmetric differences.

    The margin is that of the integer logits over the clean image's, so that it starts at 1 for
    every network; it equals the paper's difference of log-probabilities up to that factor. Images
    are rounded to uint8 for every query. The step is the paper's 0.01, or larger where the queries
    visit each coordinate too rarely for that.

    Attributes:
        steps: queries.
        half_width_255: h of the differences in uint8 units. The paper's 1e-4 of the range would
            be 0 here, and of a staircase the smallest h sees little more.
    """

    white_box: ClassVar[bool] = False
    steps: int = 5000
    restarts: int = 1
    half_width_255: int = 16

    def _visits(self, size: int, searches: int) -> tuple[int, float]:
        """Return the steps of one search, and how often each coordinate moves in them."""
        at_once = min(_AT_ONCE, size)
        steps = max(self.steps // searches // (2 * at_once + 1), 1)
        return steps, steps * at_once / size


class ZooLinf(_ZerothOrder):
    """Minimise the margin inside the linf ball; an image is left once it is misclassified.

    The ball replaces the paper's l2 penalty, its projection the penalty's weight c.
    """

    name: ClassVar[str] = "zoo_linf"

    def _search(self, victim: Victim, search: Search) -> Iterator[float]:
        size = search.clean[0].size
        steps, visits = self._visits(size, 1)
        rate = max(255 * _LEAST_RATE, 2.5 * search.epsilon / visits)
        for restart in range(self.restarts):
            walk = _Walk(victim, search, restart, rate)
            low, high = (side.numpy().reshape(-1, size) for side in (search.low, search.high))
            for step in range(steps):
                if not len(walk.rows):
                    break
                chosen, change = walk.estimate(self.half_width_255)
                walk.move(chosen, change, low[walk.rows], high[walk.rows])
                logits = victim.engine.logits(walk.images())
                search.offer(walk.images(), logits, walk.rows)
                walk.keep(search.margins[walk.rows] >= 0)
                yield (restart + (step + 1) / steps) / self.restarts
            yield (restart + 1) / self.restarts


class Zoo(_ZerothOrder):
    """Minimise ||x' - x||^2 + c * max(margin, 0) for x in 0..1 (eq. 4); no change of variables.

    The nearest misclassified candidate counts if it lies within epsilon. c starts at 1 and is
    bisected on a logarithmic scale, times ten while nothing is misclassified. The distance's
    gradient is exact, since it takes no queries.
    """

    name: ClassVar[str] = "zoo"
    norm: ClassVar[str] = "l2"

    def _search(self, victim: Victim, search: Search) -> Iterator[float]:
        rows, size = search.active(), search.clean[0].size
        nearest = np.full(len(search.clean), np.inf)
        low, high = np.zeros(len(rows)), np.full(len(rows), np.inf)
        weights = np.full(len(rows), _FIRST_WEIGHT)
        steps, visits = self._visits(size, _SEARCHES)
        rate = 255 * max(_LEAST_RATE, _TRAVEL / visits)
        for index in range(_SEARCHES if len(rows) else 0):
            walk, broken = _Walk(victim, search, index, rate), np.zeros(len(rows), np.bool_)
            for step in range(steps):
                broken |= self._step(walk, weights, nearest)
                yield (index + (step + 1) / steps) / _SEARCHES
            high, low = np.where(broken, weights, high), np.where(broken, low, weights)
            bounded = np.isfinite(high)
            middle = np.sqrt(np.maximum(low, high / 100) * high)
            weights = np.where(bounded, middle, 10 * weights)

    def _step(self, walk: "_Walk", weights: NDArray[np.float64], nearest: Floats) -> Bits:
        """Take one step; return bool[n], which images are misclassified after it."""
        chosen, pull = walk.estimate(self.half_width_255)
        offset = np.take_along_axis(walk.points - walk.clean, chosen, 1)
        resists = (walk.margins >= 0)[:, None]
        gradient = 2 * offset / 255**2 + weights[:, None] * np.where(resists, pull, 0)
        walk.move(chosen, gradient.astype(np.float32), *_GREYS)
        images = walk.images()
        walk.margins = margins(walk.victim.engine.logits(images), walk.search.labels[walk.rows])
        squares = ((images.reshape(walk.clean.shape) - walk.clean) ** 2).sum(1, dtype=np.float64)
        found = np.sqrt(squares)
        wrong: Bits = walk.margins < 0
        nearer = wrong & (found < nearest[walk.rows])
        nearest[walk.rows[nearer]] = found[nearer]
        inside = nearer & (found <= walk.search.epsilon)
        walk.search.best[walk.rows[inside]] = images[inside]
        return wrong


class _Walk:
    """Where each image that resists stands, float32[n, size] in uint8 units."""

    def __init__(self, victim: Victim, search: Search, restart: int, rate: float) -> None:
        self.victim, self.search, self.rows = victim, search, search.active()
        self.shape, size = search.clean.shape[1:], search.clean[0].size
        self.clean: Floats = search.clean[self.rows].reshape(-1, size).astype(np.float32)
        self.points = self.clean.copy()
        draws = [search.generator(restart, row) for row in self.rows]
        self.coordinates = Coordinates(draws, size, _AT_ONCE)
        self.adam = Adam(len(self.rows), size, rate)
        self.margins = np.zeros(0)
        if len(self.rows):
            logits = victim.engine.logits(self.images())
            self.margins = margins(logits, search.labels[self.rows])
        self.first = self.margins.copy().clip(min=0.5)  # a tie that is won counts 1/2

    def images(self) -> NDArray[np.uint8]:
        """Return the points, rounded."""
        return np.rint(self.points).astype(np.uint8).reshape(-1, *self.shape)

    def estimate(self, half_width: int) -> tuple[Indices, Floats]:
        """Return the coordinates to move, and the slopes of the relative margin there."""
        chosen, labels = self.coordinates.next(), self.search.labels[self.rows]
        found = slopes(self.victim.engine, self.images(), labels, chosen, half_width)
        return chosen, (found / self.first[:, None]).astype(np.float32)

    def move(self, chosen: Indices, gradient: Floats, low: Floats, high: Floats) -> None:
        """Let Adam move the chosen coordinates, and clip them all."""
        moved = np.take_along_axis(self.points, chosen, 1) + self.adam.step(gradient, chosen)
        np.put_along_axis(self.points, chosen, moved, 1)
        self.points = self.points.clip(low, high)

    def keep(self, resists: Bits) -> None:
        """Forget the other images."""
        if resists.all():
            return
        self.rows, self.points = self.rows[resists], self.points[resists]
        self.clean, self.first = self.clean[resists], self.first[resists]
        self.coordinates.keep(resists)
        self.adam.keep(resists)
