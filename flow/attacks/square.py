# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Square: random search with squares of pixels, from logits alone (Andriushchenko et al. 2020).

adversarial-robustness-toolbox has it too. Here it works on uint8 images for the native engine,
all images of a batch in one query, and the tests compare both.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from flow.attacks._search import Indices, Search, margins
from flow.attacks._victim import Victim
from flow.attacks.base import Attack
from flow.classifier import Images
from flow.integer.incremental import cell_numbers

__all__ = ["Square", "square_side"]

_FIRST_SHARE = 0.8  # p of the first squares, as in AutoAttack
_HALVINGS = (10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000)  # of 10,000 queries; p halves after
_LEVELS = 256
_DRAWN = 64  # queries whose random numbers are drawn together


@dataclass(frozen=True, kw_only=True)
class Square(Attack):
    """The linf attack with AutoAttack's schedule, on the margin of the integer logits.

    The start is vertical stripes of plus or minus epsilon for each column and channel; each query
    sets one square of an image to plus or minus epsilon for each channel, and keeps it if the
    margin falls. (Integer logits tie often; to keep ties too was not measurably stronger.)

    Where the network reads the image in few bits, most pixels stay in their cell whatever the ball
    allows: a square is then laid over one of the others, drawn uniformly, at a uniform offset.

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
            walk = _Walk(victim, search, restart, _places(victim, search))
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
    """One restart: where each image that resists stands, and with which margin.

    `places`, of all images of the search, are the pixels that matter: all when None.
    """

    def __init__(
        self, victim: Victim, search: Search, restart: int, places: "_Places | None"
    ) -> None:
        self.victim, self.search, self.places = victim, search, places
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
        if self.places is None:
            top, left = _corner(drawn[:, 0], side, height), _corner(drawn[:, 1], side, width)
        else:
            top, left = self.places.corners(self.rows, drawn, side)
        rows = _within(top, side, height)[:, :, None, None]
        columns = _within(left, side, width)[:, None, :, None]
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


@dataclass(frozen=True)
class _Places:
    """Which pixels of each image can change their cell.

    Attributes:
        first: int64[N, H * W], those of each image first, in order; then the others.
        count: int64[N], how many those are; all where there is none.
        size: height and width.
    """

    first: NDArray[np.int64]
    count: NDArray[np.int64]
    size: tuple[int, int]

    def corners(
        self, rows: Indices, drawn: NDArray[np.float32], side: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the upper left corners int64[n] of squares over such pixels."""
        height, width = self.size
        pixel = self.first[rows, _share(drawn[:, 0], self.count[rows])]
        down, right = divmod(_share(drawn[:, 1], np.int64(side * side)), side)
        top, left = pixel // width - down, pixel % width - right
        return top.clip(0, height - side), left.clip(0, width - side)


def _places(victim: Victim, search: Search) -> _Places | None:
    """Return the pixels that matter, None where all do."""
    network = victim.integers
    if network is None:
        return None
    numbers = cell_numbers(network)
    if int(numbers[:, -1].max()) == _LEVELS - 1:
        return None
    channel = np.arange(len(numbers))
    low, high = (ends.numpy().astype(np.int64) for ends in (search.low, search.high))
    free = (numbers[channel, low] != numbers[channel, high]).any(3).reshape(len(low), -1)
    free[~free.any(1)] = True
    order = np.argsort(~free, axis=1, kind="stable")
    return _Places(order, free.sum(1), (low.shape[1], low.shape[2]))


def _share(drawn: NDArray[np.float32], count: Any) -> NDArray[np.int64]:  # noqa: ANN401
    """Return the number 0..count-1 at the drawn share."""
    found: NDArray[np.int64] = np.minimum((drawn * count).astype(np.int64), count - 1)
    return found


def _corner(drawn: NDArray[np.float32], side: int, size: int) -> NDArray[np.int64]:
    """Return where runs of `side` places begin, at the drawn share of the possible ones."""
    return _share(drawn, np.int64(size - side + 1))


def _within(first: NDArray[np.int64], side: int, size: int) -> NDArray[np.bool_]:
    """Return bool[n, size]: the run of `side` places from each first one."""
    places = np.arange(size)
    inside: NDArray[np.bool_] = (places >= first[:, None]) & (places < first[:, None] + side)
    return inside
