# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Square on networks that read the image in few bits: over pixels that can change their cell."""

from typing import Any

import numpy as np
import pytest
from quantized_digits import digits, digits_network
from squeezed_networks import squeezed_network
from torch import nn

from flow.attacks._search import Search
from flow.attacks._victim import Victim
from flow.attacks.square import Square, _places
from flow.classifier import Differentiable, Images, Logits
from flow.evaluation.ball import check_budget
from flow.integer import IntegerNetwork
from flow.integer.incremental import cell_numbers, cells_of

EPSILON = 20


def _images(network: IntegerNetwork, count: int) -> Images:
    shape = (count, *network.input_shape)
    return np.random.default_rng(4).integers(0, 255, shape, dtype=np.uint8)


def _search(network: IntegerNetwork, images: Images) -> Search:
    labels = network.logits(images).argmax(axis=1).astype(np.int64)
    return Search(images, labels, np.arange(len(images)), EPSILON, 0)


@pytest.mark.parametrize("side", [1, 2, 4])
def test_every_square_covers_a_pixel_that_matters(side: int) -> None:
    network = squeezed_network(1, shape=(5, 6, 1))
    images = _images(network, 40)
    places = _places(Victim(network), _search(network, images))
    assert places is not None
    numbers, rows = cell_numbers(network), np.arange(40)
    drawn = np.random.default_rng(0).random((40, 2), dtype=np.float32)
    for row, top, left in zip(rows, *places.corners(rows, drawn, side), strict=True):
        free = np.zeros(30, np.bool_)
        free[cells_of(numbers, images[row], EPSILON).pixel] = True
        assert 0 <= top <= 5 - side
        assert 0 <= left <= 6 - side
        covered = free.reshape(5, 6)[top : top + side, left : left + side]
        assert covered.any() or not free.any()


def test_every_pixel_that_matters_is_drawn_equally_often() -> None:
    network = squeezed_network(1, shape=(5, 6, 1))
    image = _images(network, 1)
    places = _places(Victim(network), _search(network, image))
    assert places is not None
    count = len(cells_of(cell_numbers(network), image[0], EPSILON).pixel)
    drawn = np.stack([(np.arange(10 * count) + 0.5) / (10 * count), np.zeros(10 * count)], axis=1)
    tops, lefts = places.corners(np.zeros(10 * count, np.intp), drawn.astype(np.float32), 1)
    assert np.unique(6 * tops + lefts, return_counts=True)[1].tolist() == [10] * count


def test_where_no_pixel_matters_all_are_drawn() -> None:
    network = squeezed_network(1, shape=(5, 6, 1))
    search = _search(network, np.zeros((2, 5, 6, 1), np.uint8))  # far from every threshold
    places = _places(Victim(network), search)
    assert places is not None
    assert places.count.tolist() == [30, 30]


def test_an_image_of_eight_bits_keeps_the_published_squares() -> None:
    network, images = digits_network(), digits().test_images[:4]
    assert _places(Victim(network), _search(network, images)) is None


class _Asked:
    """Another engine: it has no cells to look at."""

    def __init__(self, network: IntegerNetwork) -> None:
        self.network, self.input_shape = network, network.input_shape
        self.classes, self.scale = network.classes, network.scale

    def logits(self, images: Images) -> Logits:
        return self.network.logits(images)

    def twin(self) -> nn.Module:
        return self.network.twin()


def test_another_engine_is_searched_everywhere_and_no_better() -> None:
    left = [0, 0]
    for seed in range(6):
        network = squeezed_network(seed, shape=(5, 6, 1))
        images = _images(network, 40)
        labels = network.logits(images).argmax(axis=1).astype(np.int64)
        victims: tuple[Differentiable, ...] = network, _Asked(network)
        for kind, victim in enumerate(victims):
            found = Square(steps=30).run(victim, images, labels, EPSILON, 0)
            check_budget("square", images, found, EPSILON)
            left[kind] += int((network.logits(found).argmax(axis=1) == labels).sum())
    assert left[0] <= left[1]


def test_the_first_candidates_are_stripes_of_both_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Columns at an end of the ball each, drawn evenly (Andriushchenko et al. 2020, section 3)."""
    images, found, offer = digits().test_images[:20], list[Images](), Search.offer

    def noted(search: Search, candidates: Images, *rest: Any) -> None:  # noqa: ANN401
        found.append(candidates)
        offer(search, candidates, *rest)

    monkeypatch.setattr(Search, "offer", noted)
    labels = digits_network().logits(images).argmax(axis=1).astype(np.int64)  # all are right
    Square(steps=1).run(digits_network(), images, labels, 16, 0)
    low, high = images.astype(int) - 16, images.astype(int) + 16
    up = found[0] == high.clip(max=255)
    assert (up | (found[0] == low.clip(min=0))).all()
    assert 0.3 < up.mean() < 0.7
    assert all((row == row[:1]).all() for row in up)
