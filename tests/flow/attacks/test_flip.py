# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The tabu search over cells against trying all images, and against other attacks."""

import numpy as np
import pytest
import torch
from linear_victim import SHAPE, SIZE, case
from squeezed_networks import squeezed_network, truly_robust

from brevitas_models.pretrained import load
from flow.attacks._search import Search
from flow.attacks._victim import Victim
from flow.attacks.flip import Flip, _movable
from flow.attacks.losses import RivalCrossEntropy
from flow.attacks.pgd import Pgd
from flow.errors import FlowError
from flow.evaluation.ball import check_budget
from flow.export.deployment import lowered
from flow.integer import IntegerNetwork
from flow.integer.incremental import cell_numbers, cells_of
from flow.integer.native import NativeNetwork


def _labelled(network: IntegerNetwork, count: int) -> tuple[np.ndarray, np.ndarray]:
    shape = (count, *network.input_shape)
    images = np.random.default_rng(4).integers(80, 180, shape, dtype=np.uint8)
    return images, network.logits(images).argmax(axis=1).astype(np.int64)


@pytest.mark.parametrize("seed", range(8))
def test_every_image_that_can_be_broken_is(seed: int) -> None:
    network = squeezed_network(seed)
    images, labels = _labelled(network, 12)
    found = Flip(steps=1500, gradient_starts=1).run(network, images, labels, 30, 0)
    check_budget("flip", images, found, 30)
    holds = network.logits(found).argmax(axis=1) == labels
    truth = [truly_robust(network, *pair, 30) for pair in zip(images, labels, strict=True)]
    assert holds.tolist() == truth


def test_it_finds_on_few_bits_what_gradients_miss() -> None:
    network = lowered(load("mnist-tfc-w2a2-robust"))
    rng = np.random.default_rng(0)
    images = (128 + rng.integers(-60, 60, (25, 28, 28, 1))).astype(np.uint8)
    labels = network.logits(images).argmax(axis=1).astype(np.int64)
    left = []
    for attack in (Pgd(steps=20, restarts=2), Flip(steps=1000, gradient_starts=0)):
        found = attack.run(network, images, labels, 1, 0)
        left.append(int((network.logits(found).argmax(axis=1) == labels).sum()))
    assert left[1] < left[0]


def test_the_same_seed_gives_the_same_images_in_any_batch() -> None:
    network = squeezed_network(2, shape=(5, 5, 1))
    images, labels = _labelled(network, 6)
    attack = Flip(steps=200, gradient_starts=2)
    whole = attack.run(network, images, labels, 20, 7)
    only = np.arange(6) % 2 == 1
    part = attack.run(network, images, labels, 20, 7, only=only)
    assert (part[only] == whole[only]).all()


def test_it_starts_where_sign_gradients_end() -> None:
    """Steps of 2.5 epsilon together, at another temperature for each start."""
    network, clean, label = case(3)
    images, labels = clean.reshape(1, *SHAPE).astype(np.uint8), np.array([label])
    search, victim = Search(images, labels, np.arange(1), 4, 7), Victim(network)  # type: ignore[arg-type]
    search.begin(network.logits(images))
    ends = Flip(gradient_starts=3, gradient_steps=6)._end_points(victim, search, 1)
    for number, end in zip((3, 4, 5), ends, strict=True):
        noise = np.random.default_rng((7, number, 0)).uniform(-4, 4, SIZE)
        temperature = torch.tensor([network.scale * (1, 2, 4)[number % 3]], dtype=torch.float64)
        points = (clean + noise).astype(np.float32)
        for _ in range(6):
            slope = network.climb(np.rint(points), label, RivalCrossEntropy(temperature))[1]
            points = np.clip(points + np.float32(10 / 6) * np.sign(slope), clean - 4, clean + 4)
        np.testing.assert_array_equal(end.reshape(SIZE), np.rint(points))


@pytest.mark.parametrize(("levels", "counts"), [(3, [4] * 9), (4, [3] * 9)])
def test_pixels_of_more_than_four_cells_keep_their_own_and_the_ends(
    levels: int, counts: list[int]
) -> None:
    network = squeezed_network(1, levels=levels)
    image = np.full((3, 3, 1), 130, np.uint8)
    cells = _movable(cells_of(cell_numbers(network), image, 100))
    assert np.diff(cells.start).tolist() == counts


def test_another_engine_is_refused() -> None:
    network = squeezed_network(0)
    images, labels = _labelled(network, 2)
    with pytest.raises(FlowError, match=r"flip: Blind is no IntegerNetwork.*square"):
        Flip(steps=10).run(Blind(network), images, labels, 5, 0)


class Blind(NativeNetwork):
    """An engine with a twin and without operations to look at."""

    scale = 1.0

    def twin(self):  # noqa: ANN201 - the network's own
        return self.network.twin()
