# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Square: random search with squares of pixels, from logits alone (Andriushchenko et al. 2020).

adversarial-robustness-toolbox has it too. Here it works on uint8 images for the native engine,
all images of a batch in one query, and the tests compare both.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from flow.attacks._search import Indices, Search, margins
from flow.attacks._victim import Victim
from flow.attacks.base import Attack
from flow.classifier import Images

__all__ = ["Square", "square_side"]

_FIRST_SHARE = 0.8  # p of the first squares, as in AutoAttack
_HALVINGS = (10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000)  # of 10,000 queries; p halves after
_DRAWN = 64  # queries whose random numbers are drawn together


@dataclass(frozen=True, kw_only=True)
class Square(Attack):
    """The linf attack with AutoAttack's schedule, on the margin of the integer logits.

    The start is vertical stripes of plus or minus epsilon for each column and channel; each query
    sets one square of an image to plus or minus epsilon for each channel, and keeps it if the
    margin falls. (Integer logits tie often; to keep ties too was not measurably stronger.)

    Attributes:
        steps: queries of one restart; AutoAttack takes 5,000.
    """

    name: ClassVar[str] = "square"
    white_box: ClassVar[bool] = False
    batch: ClassVar[int] = 2048
    steps: int = 5000
    restarts: int = 1

    def _search(self, victim: Victim, search: Search) -> Iterator[float]:
        for restart in range(self.restarts):
            walk = _Walk(victim, search, restart)
            for query in range(self.steps):
                if not len(walk.rows):
                    break
                walk.query(query, square_side(query, self.steps, search.clean.shape[1:3]))
                if query % _DRAWN == 0:
                    yield (restart + query / self.steps) / self.restarts
            yield (restart + 1) / self.restarts


def square_side(query: int, queries: int, size: tuple[int, ...]) -> int:
    """Return the squares' side in pixels: round(sqrt(p * H * W)), p halving along the queries."""
    place = query * 10_000 // queries
    share = _FIRST_SHARE / 2 ** sum(place > end for end in _HALVINGS)
    side = round(float(np.sqrt(share * size[0] * size[1])))
    return min(max(side, 1), *size)


class _Walk:
    """One restart: where each image that resists stands, and with which margin."""

    def __init__(self, victim: Victim, search: Search, restart: int) -> None:
        self.victim, self.search = victim, search
        self.rows: Indices = search.active()
        self.low = search.low.numpy().astype(np.uint8)
        self.high = search.high.numpy().astype(np.uint8)
        self.generators = [search.generator(restart, row) for row in self.rows]
        self.images: Images = search.clean[self.rows]
        self.margins: NDArray[np.float64] = np.zeros(0)
        self.draws: NDArray[np.float32] = np.zeros(0, np.float32)

    def query(self, number: int, side: int) -> None:
        """Ask once for each image; the first query is the stripes."""
        candidates = self._squares(number, side) if number else self._stripes()
        logits = self.victim.engine.logits(candidates)
        self.search.offer(candidates, logits, self.rows)
        found = margins(logits, self.search.labels[self.rows])
        if not number:
            self.margins = np.full(len(found), np.inf)
        kept = found < self.margins
        self.images[kept], self.margins[kept] = candidates[kept], found[kept]
        self._drop(self.margins >= 0)

    def _stripes(self) -> Images:
        _, _, width, channels = self.images.shape
        up = [draw.random((1, width, channels), np.float32) < 0.5 for draw in self.generators]
        return np.where(np.stack(up), self.high[self.rows], self.low[self.rows])

    def _squares(self, number: int, side: int) -> Images:
        _, height, width, channels = self.images.shape
        if (number - 1) % _DRAWN == 0:
            shape = (_DRAWN, 2 + channels)
            self.draws = np.stack([draw.random(shape, np.float32) for draw in self.generators])
        drawn = self.draws[:, (number - 1) % _DRAWN]
        rows = _within(drawn[:, 0], side, height)[:, :, None, None]
        columns = _within(drawn[:, 1], side, width)[:, None, :, None]
        up = drawn[:, None, None, 2:] < 0.5
        moved = np.where(up, self.high[self.rows], self.low[self.rows])
        return np.where(rows & columns, moved, self.images)

    def _drop(self, resists: NDArray[np.bool_]) -> None:
        if resists.all():
            return
        self.rows = self.rows[resists]
        self.images, self.margins = self.images[resists], self.margins[resists]
        self.draws = self.draws[resists] if len(self.draws) else self.draws
        self.generators = [
            draw for draw, keep in zip(self.generators, resists, strict=True) if keep
        ]


def _within(drawn: NDArray[np.float32], side: int, size: int) -> NDArray[np.bool_]:
    """Return bool[n, size]: a run of `side` places, at the drawn share of the possible ones."""
    first = np.minimum((drawn * (size - side + 1)).astype(np.int64), size - side)[:, None]
    places = np.arange(size)
    inside: NDArray[np.bool_] = (places >= first) & (places < first + side)
    return inside
