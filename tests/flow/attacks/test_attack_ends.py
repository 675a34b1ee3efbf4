# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Attacks where figures meet exactly: ties, ends of 0..255, the last distance inside a ball."""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pytest
import torch
from linear_victim import SHAPE, SIZE, Floats, Linear, attacked, case

from flow.attacks import Attack, build_attack
from flow.attacks._coordinates import Coordinates, slopes
from flow.attacks._nearest import Nearest
from flow.attacks._search import Search
from flow.attacks._substitute import Substitute, train_substitute
from flow.attacks._victim import Victim
from flow.attacks.carlini_wagner import CarliniWagner
from flow.attacks.deepfool import DeepFool, _nearest_boundary
from flow.attacks.fab import _stepped, projection
from flow.attacks.pgd import Pgd
from flow.attacks.square import _Places, _share, _Walk, square_side
from flow.attacks.transfer import Transfer
from flow.attacks.zoo import Zoo, ZooLinf
from flow.attacks.zoo import _Walk as ZooWalk
from flow.classifier import Images, Logits

GREY = np.full((1, *SHAPE), 128, np.uint8)


class Fixed:
    """The same logits for every image; keeps what it is asked."""

    integers = None

    def __init__(self, *logits: int) -> None:
        self.found, self.asked, self.engine = np.array(logits, np.int32), list[Images](), self
        self.classes = len(logits)

    def logits(self, images: Images) -> Logits:
        self.asked.append(images)
        return np.tile(self.found, (len(images), 1))


def search_of(images: Images, *labels: int, epsilon: int = 8) -> Search:
    return Search(images, np.array(labels), np.arange(len(images)), epsilon, 5)


# --- The book


def test_a_tie_is_held_by_the_lower_index_only() -> None:
    search = search_of(np.repeat(GREY, 4, 0), 0, 1, 1, 0)
    search.begin(np.array([[3, 3], [3, 3], [2, 3], [4, 3]]))
    assert search.margins.tolist() == [np.inf, -np.inf, np.inf, np.inf]
    search.offer(np.repeat(GREY, 3, 0), np.array([[3, 3], [3, 3], [4, 3]]), np.array([0, 2, 3]))
    assert search.margins.tolist() == [0, -np.inf, -0.5, 1]
    assert search.active().tolist() == [0, 3]


def test_the_first_of_equally_bad_candidates_stays() -> None:
    search = search_of(GREY.copy(), 0)
    for value in (1, 2):
        search.offer(np.full_like(GREY, value), np.array([[4, 2]]), np.arange(1))
    assert (search.best == 1).all()
    nearest = Nearest(search)
    for change, logits in ((3, [2, 2]), (1, [1, 1]), (-3, [0, 1]), (3, [0, 1])):
        wrong = nearest.offer(nearest.clean + change, torch.tensor([logits]))
        assert wrong.tolist() == [logits[0] < logits[1]]
    assert (nearest.images == 125).all()


def test_nothing_is_asked_of_a_ball_without_room() -> None:
    network, clean, label = case(0)
    np.testing.assert_array_equal(attacked(Pgd(steps=2), network, clean, label, 0, 5), clean)
    assert network.asked == []


class TwinOnly(Linear):
    """Answers gradients only."""

    def logits(self, images: Images) -> np.ndarray:
        raise AssertionError(images)


@pytest.mark.parametrize("name", ["pgd", "apgd_ce", "apgd_dlr_targeted", "fab_t", "cw", "deepfool"])
def test_white_boxes_ask_the_twin_alone(name: str) -> None:
    network, image = TwinOnly(0, 4), GREY.copy()
    labels = np.array([network.label(image)])
    attack = build_attack(name, steps=2, restarts=1)
    assert attack.run(network, image, labels, 4, 0).shape == GREY.shape  # type: ignore[arg-type]


@pytest.mark.parametrize("attack", [DeepFool(steps=20), Zoo(steps=2000)])
def test_the_last_distance_inside_counts(attack: Attack) -> None:
    network, clean, label = case(1)
    network.weights[1:] = 0  # so that only one pixel moves, by whole units
    network.bias = -128 * network.weights.sum(0)
    clean[0] = 128 + (10 if network.label(np.r_[138, clean[1:]]) == label else -10)
    label = network.label(clean)
    far = attacked(attack, network, clean, label, 255, 5)
    distance = int(np.abs(far - clean).max())
    assert 0 < distance < 30
    np.testing.assert_array_equal(attacked(attack, network, clean, label, distance, 5), far)
    np.testing.assert_array_equal(attacked(attack, network, clean, label, distance - 1, 5), clean)


# --- Square


class Halves:
    """Draws 1/2 always."""

    def random(self, shape: tuple[int, ...], kind: type) -> np.ndarray:
        return np.full(shape, 0.5, kind)


def walk_of(victim: Fixed, search: Search) -> _Walk:
    return _Walk(cast(Victim, victim), search, 0, None)


def test_squares_halve_right_behind_the_published_queries() -> None:
    for count, end in enumerate((10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000)):
        sides = [square_side(query, 10_000, (1024, 1024)) for query in (end, end + 1)]
        assert sides == [round((0.8 / 2**n) ** 0.5 * 1024) for n in (count, count + 1)]
    assert square_side(51, 10_001, (1024, 1024)) == square_side(49, 10_001, (1024, 1024))


def test_square_keeps_no_candidate_that_only_ties() -> None:
    search = search_of(GREY, 0)
    walk = walk_of(Fixed(3, 3), search)
    walk.query(0, 1)
    first = walk.images.copy()
    for number in range(1, 9):
        walk.query(number, 1)
    np.testing.assert_array_equal(walk.images, first)
    assert (search.best == first).all()


def test_square_leaves_what_loses_a_tie() -> None:
    walk = walk_of(Fixed(3, 3), search_of(GREY, 1))
    walk.query(0, 1)
    assert len(walk.rows) == 0


def test_squares_have_a_sign_for_each_channel() -> None:
    colours = np.full((1, 4, 4, 3), 100, np.uint8)
    walk, draw = walk_of(Fixed(3, 3), search_of(colours, 0)), np.random.default_rng((5, 0, 0))
    walk.query(0, 1)
    up = draw.random((1, 4, 3), np.float32) < 0.5
    np.testing.assert_array_equal(walk.images[0], np.broadcast_to(np.where(up, 108, 92), (4, 4, 3)))
    drawn = draw.random((64, 5), np.float32)
    for number in (1, 2, 64):
        expected, (top, left) = walk.images[0].copy(), (drawn[number - 1, :2] * 3).astype(int)
        expected[top : top + 2, left : left + 2] = np.where(drawn[number - 1, 2:] < 0.5, 108, 92)
        np.testing.assert_array_equal(walk._squares(number, 2)[0], expected)


def test_half_is_down() -> None:
    walk = walk_of(Fixed(3, 3), search_of(GREY, 0))
    walk.generators = [cast(Any, Halves())]
    assert (walk._stripes() == 120).all()
    assert (walk._squares(1, 1) == 120).sum() == 1


def test_a_share_is_one_of_its_places() -> None:
    shares = np.array([0, 0.19, 0.2, 0.99, 1], np.float32)
    assert _share(shares, np.int64(5)).tolist() == [0, 0, 1, 4, 4]


def test_squares_over_a_pixel_lie_evenly_around_it() -> None:
    places = _Places(np.array([[4 * 9 + 5]]), np.array([1]), (9, 9))
    drawn = np.stack([np.zeros(90), (np.arange(90) + 0.5) / 90], 1).astype(np.float32)
    tops, lefts = places.corners(np.zeros(90, np.intp), drawn, 3)
    found = np.unique(np.stack([tops, lefts]), axis=1, return_counts=True)
    assert found[0].T.tolist() == [[top, left] for top in (2, 3, 4) for left in (3, 4, 5)]
    assert found[1].tolist() == [10] * 9


# --- ZOO


def test_slopes_ask_a_width_up_and_down_within_0_to_255() -> None:
    images = np.array([[5, 100], [250, 0], [255, 16]], np.uint8).reshape(3, 1, 2, 1)
    victim = Fixed(3, 1)
    slopes(victim, images, np.zeros(3, np.int64), np.tile([1, 0], (3, 1)), 16)  # type: ignore[arg-type]
    asked = victim.asked[0].reshape(3, 4, 2).tolist()
    assert asked == [
        [[5, 116], [21, 100], [5, 84], [0, 100]],
        [[250, 16], [255, 0], [250, 0], [234, 0]],
        [[255, 32], [255, 16], [255, 0], [239, 16]],
    ]


@pytest.mark.parametrize(("size", "at_once", "taken"), [(3, 1, 1), (10, 4, 4), (200, 500, 200)])
def test_coordinates_are_taken_from_one_order(size: int, at_once: int, taken: int) -> None:
    order = Coordinates([np.random.default_rng(2)], size, at_once)
    found = np.concatenate([order.next() for _ in range(size // taken)], axis=1)[0]
    expected = np.random.default_rng(2).permutation(size)
    np.testing.assert_array_equal(found, expected[: len(found)])


def test_zoo_moves_128_coordinates_at_once() -> None:
    assert ZooLinf(steps=5000)._visits(784, 1) == (19, 19 * 128 / 784)
    assert Zoo(steps=5000)._visits(784, 3) == (6, 6 * 128 / 784)
    assert Zoo(steps=5000)._visits(5, 3) == (151, 151)
    assert Zoo(steps=1)._visits(5, 3) == (1, 1)
    large = search_of(np.zeros((1, 10, 20, 1), np.uint8), 0)
    walk = ZooWalk(cast(Victim, Fixed(1, 0)), large, 0, 1.0)
    assert walk.coordinates.next().shape == (1, 128)


def test_a_tie_that_is_won_counts_half() -> None:
    walk = ZooWalk(cast(Victim, Fixed(3, 3)), search_of(GREY, 0), 0, 1.0)
    assert (walk.margins.tolist(), walk.first.tolist()) == ([0], [0.5])


@pytest.mark.parametrize("attack", [Zoo(steps=400), ZooLinf(steps=400), CarliniWagner(steps=20)])
def test_a_tie_that_is_won_is_attacked(attack: Attack) -> None:
    network, clean = Linear(0, 2), GREY[0].reshape(SIZE).astype(np.float32)  # all logits 0
    assert network.label(attacked(attack, network, clean, 0, 60, 5)) == 1


# --- FAB-T and DeepFool


def test_a_projection_passes_a_tie_and_stops_at_the_ends() -> None:
    points = torch.tensor([[100.0, 50.0], [250.0, 3.0]]).double()
    weights = torch.tensor([[3.0, -2.0], [1.0, -4.0]]).double()
    offset = -(weights * points).sum(1)
    offset[1] -= 1000  # farther than any point of 0..255
    found = projection(points, weights, offset)
    torch.testing.assert_close(found, torch.tensor([[0.1, -0.1], [5.0, -3.0]]).double())


def test_fab_goes_on_at_a_tie_and_back_from_beyond() -> None:
    clean = torch.tensor([[100.0, 100.0]] * 4).reshape(4, 1, 2, 1)
    points, gradient = clean + 20, torch.ones(4, 1, 2, 1)
    gradient[3] = 0  # which no boundary is seen by
    found = _stepped(clean, points, torch.tensor([0.0, 1.0, -1.0, -1.0]), gradient)
    lengths = np.array([[0.25, np.nan, 0.5, 0], [20, np.nan, 20.5, 0]])  # half a gap a place
    own, other = 120 + 1.05 * lengths[0], 100 + 1.05 * lengths[1]
    share = lengths[0] / (lengths.sum(0) + 1e-9)
    expected = (1 - share) * own + share * other
    expected[1], expected[3] = 100 + 0.9 * 20, 0.9 * 120 + 0.1 * 100
    np.testing.assert_allclose(found[:, 0, 0, 0], expected, rtol=1e-6)


def test_deepfool_takes_half_a_unit_off_a_tie() -> None:
    at = torch.zeros(1, 1, 2, 1).requires_grad_()
    weights = torch.tensor([[0.0, 3.0, 30.0], [0.0, 4.0, 40.0]])
    logits = at.flatten(1) @ weights - torch.tensor([0.0, 0.0, 7.0])
    step = _nearest_boundary(at, logits, torch.zeros(1, dtype=torch.int64))
    torch.testing.assert_close(step.flatten(), torch.tensor([0.6, 0.8]) * 0.1)


# --- Transfer


def test_the_substitute_has_these_layers() -> None:
    network = Substitute((9, 6, 3), 7, 0)
    shapes = [tuple(one.shape) for one in network.parameters() if one.dim() > 1]
    assert shapes == [(16, 3, 3, 3), (32, 16, 3, 3), (128, 32 * 3 * 2), (7, 128)]
    images = torch.from_numpy(np.random.default_rng(0).uniform(0, 255, (2, 9, 6, 3))).float()
    same = torch.nn.Sequential(*network)(images.permute(0, 3, 1, 2) / 255)
    torch.testing.assert_close(network(images), same)


def test_the_substitute_asks_for_no_more_than_its_queries() -> None:
    asked: list[int] = []

    def ask(images: Images) -> np.ndarray:
        asked.append(len(images))
        return np.zeros(len(images), np.int64)

    budget: dict[str, Any] = {"epochs": 1, "step_255": 9, "seed": 0}
    for queries in (4, 6, 7):
        train_substitute(ask, np.repeat(GREY, 6, 0), 3, queries=queries, **budget)
    assert asked == [4, 6, 6, 1]


def sloping(images: torch.Tensor) -> torch.Tensor:
    one = images.flatten(1) @ torch.tensor([1.0, -1, 1, -1, 0, 0])
    return torch.stack([-one, one], 1) / 255


def test_later_restarts_of_transfer_begin_in_the_ball() -> None:
    attack, search = Transfer(steps=2, relative_step=0.5), search_of(GREY, 0, epsilon=4)
    for restart in (0, 1, 2):
        start = GREY.reshape(SIZE).astype(np.float32)
        if restart:
            draw = np.random.default_rng((5, restart, 0))
            start = (start + draw.uniform(-4, 4, SHAPE).reshape(SIZE)).astype(np.float32)
        expected: Floats = np.rint((start + 2 * np.array([1, -1, 1, -1, 0, 0])).clip(124, 132))
        climb: Callable[..., Images] = attack._climb
        found = climb(sloping, search, restart, np.arange(1))
        np.testing.assert_array_equal(found.reshape(SIZE), expected)
