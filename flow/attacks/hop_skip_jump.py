# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""HopSkipJump: along the decision boundary, from labels alone (Chen, Jordan, Wainwright 2020).

adversarial-robustness-toolbox has it too. Its start comes from a generator that cannot be seeded,
its probes are smaller than half a pixel step and vanish when rounded, and it asks for one image at
a time; the tests compare both.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from flow.attacks._nearest import Bits
from flow.attacks._search import Search
from flow.attacks._victim import Victim
from flow.attacks.base import Attack
from flow.classifier import Images

__all__ = ["HopSkipJump"]

_STARTS = 100  # noise images among which the first misclassified one is taken
_FIRST_PROBES = 100  # B_0, as in the paper
_FIRST_SHARE = 0.1  # delta_1 over the range of pixels, root mean square a pixel
_LEAST_PROBE = 4.0  # delta in uint8 units, root mean square a pixel: rounding must not remove it
_HALVINGS = 8  # of the step and of the distance to the boundary, from 255 to 1


@dataclass(frozen=True, kw_only=True)
class HopSkipJump(Attack):
    """Algorithm 2 for linf, on uint8 images.

    From a misclassified noise image it goes back to the boundary, estimates the boundary's normal
    from the labels of B_0 sqrt(t) random probes around (eq. 16), jumps along its sign by
    distance / sqrt(t), halved until misclassified, and goes back to the boundary again. An image
    is left once its candidate lies within epsilon. The probes are at least 4 units wide: the
    paper's radius, distance over dimension, is far below one.

    Attributes:
        steps: queries of one restart, at most; no fewer than 9.
    """

    name: ClassVar[str] = "hop_skip_jump"
    white_box: ClassVar[bool] = False
    batch: ClassVar[int] = 32
    steps: int = 5000
    restarts: int = 1

    def _search(self, victim: Victim, search: Search) -> Iterator[float]:
        for restart in range(self.restarts):
            walk, jump = _Walk(victim, search, restart, self.steps), 0
            walk.start(min(_STARTS, max(1, self.steps - _HALVINGS)))
            while len(walk.rows):
                jump += 1
                walk.jump(jump, round(_FIRST_PROBES * jump**0.5))
                yield (restart + 1 - walk.left.max(initial=0) / self.steps) / self.restarts
            yield (restart + 1) / self.restarts


class _Walk:
    """A misclassified image for each row that resists, uint8[n, H, W, C], on the boundary.

    `left`, int64[n], are the queries that each has, for at least one probe and a jump.
    """

    def __init__(self, victim: Victim, search: Search, restart: int, steps: int) -> None:
        self.victim, self.search, self.rows = victim, search, search.active()
        self.left = np.full(len(self.rows), steps)
        self.draws = [search.generator(restart, row) for row in self.rows]
        self.images: Images = search.clean[self.rows]

    def start(self, most: int) -> None:
        """Draw noise for each image until it is misclassified, most times."""
        waiting, shape = np.arange(len(self.rows)), self.images.shape[1:]
        for _ in range(most if len(waiting) else 0):
            draws = [self.draws[entry].integers(0, 256, shape, np.uint8) for entry in waiting]
            noise = np.stack(draws)
            broken = self._broken(noise, waiting)
            self.images[waiting[broken]] = noise[broken]
            self.left[waiting] -= 1
            waiting = waiting[~broken]
            if not len(waiting):
                break
        self._keep(~np.isin(np.arange(len(self.rows)), waiting))
        self._to_boundary(_HALVINGS)

    def jump(self, number: int, most: int) -> None:
        """Estimate the normal by so many probes, jump along it, go back to the boundary."""
        probes = np.minimum(self.left - 2 * _HALVINGS, most)
        distance = self._distances()
        normal = np.sign(self._normals(number, probes))
        step, waiting = distance / np.sqrt(number), np.ones(len(self.rows), np.bool_)
        for _ in range(_HALVINGS):
            ahead = self.images + step[:, None, None, None] * normal
            candidates = np.rint(ahead.clip(0, 255)).astype(np.uint8)
            landed = waiting & self._broken(candidates)
            self.images[landed] = candidates[landed]
            waiting &= ~landed
            step /= 2
        self._to_boundary(probes + 2 * _HALVINGS)

    def _normals(self, number: int, probes: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return [n, H, W, C]: the mean of the probes, signed by what they are labelled."""
        found = []
        widths = np.maximum(self._distances() / self.images[0].size ** 0.5, _LEAST_PROBE)
        if number == 1:
            widths[:] = 255 * _FIRST_SHARE
        for row, (image, width, draw, count) in enumerate(
            zip(self.images, widths, self.draws, probes, strict=True)
        ):
            noise = draw.uniform(-1, 1, (count, *image.shape)) * (width * 3**0.5)
            candidates = np.rint((image + noise).clip(0, 255)).astype(np.uint8)
            broken = self._broken(candidates, np.full(count, row))
            signs = np.where(broken, 1.0, -1.0)
            weights = signs - signs.mean() if signs.std() else signs
            moved = candidates.astype(np.float64) - image
            found.append(np.tensordot(weights, moved, 1))
        return np.stack(found)

    def _to_boundary(self, spent: NDArray[np.int64] | int) -> None:
        """Move each image to the least linf distance, of bisected ones, that is misclassified.

        It is left where that lies in the ball, or where `spent` leaves too few queries for a jump.
        """
        clean = self.search.clean[self.rows].astype(np.int64)
        low, high = np.zeros(len(self.rows), np.int64), self._distances().astype(np.int64)
        target = self.images.astype(np.int64)
        while (high - low > 1).any():
            middle = (low + high) // 2
            ends = middle[:, None, None, None]
            candidates = target.clip(clean - ends, clean + ends).astype(np.uint8)
            broken = self._broken(candidates)
            self.images[broken] = candidates[broken]
            high, low = np.where(broken, middle, high), np.where(broken, low, middle)
        inside = high <= self.search.epsilon
        self.search.best[self.rows[inside]] = self.images[inside]
        self.search.margins[self.rows[inside]] = -np.inf
        self.left -= spent
        self._keep(~inside & (self.left > 2 * _HALVINGS))

    def _distances(self) -> NDArray[np.float64]:
        changes = np.abs(self.images.astype(np.float64) - self.search.clean[self.rows])
        distances: NDArray[np.float64] = changes.max(axis=(1, 2, 3))
        return distances

    def _broken(self, candidates: Images, entries: NDArray[np.intp] | None = None) -> Bits:
        """Return which are misclassified; of these entries, or one each."""
        rows = self.rows if entries is None else self.rows[entries]
        found = self.victim.engine.logits(candidates).argmax(axis=1)
        broken: Bits = found != self.search.labels[rows]
        return broken

    def _keep(self, rows: Bits) -> None:
        self.rows, self.images, self.left = self.rows[rows], self.images[rows], self.left[rows]
        self.draws = [draw for draw, kept in zip(self.draws, rows, strict=True) if kept]
