# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""ZOO, DeepFool and HopSkipJump beside ART's at the same budget, transfer beside its own parts."""

import warnings
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from quantized_digits import digits, digits_network

from flow.attacks import Attack, build_attack
from flow.attacks._coordinates import Adam, Coordinates, slopes
from flow.attacks._substitute import Substitute, train_substitute
from flow.attacks.hop_skip_jump import HopSkipJump
from flow.attacks.noise import Noise
from flow.attacks.transfer import Transfer
from flow.attacks.zoo import Zoo, ZooLinf
from flow.classifier import Images, Labels
from flow.evaluation.adapters import as_art, as_art_white_box
from flow.evaluation.evaluator import classify, l2_distances, linf_distances
from flow.integer import Dense, Flatten, IntegerNetwork
from flow.integer.native import NativeNetwork

IMAGES = digits().test_images[:60]
LABELS = digits().test_labels[:60]
RADIUS = 130  # of l2


def left(images: Images) -> float:
    return float((classify(digits_network(), images) == LABELS[: len(images)]).mean())


def ours(attack: Attack, epsilon_255: int, count: int = 60) -> Images:
    few = slice(count)
    return attack.run(NativeNetwork(digits_network()), IMAGES[few], LABELS[few], epsilon_255, 0)


def art(name: str, count: int, **settings: object) -> Images:
    """What an attack of ART 1.20.1 finds, rounded to uint8."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of frameworks that ART looks for, and of numpy 2
        from art.attacks import evasion  # noqa: PLC0415 - warns when imported
        from art.estimators.classification import (  # noqa: PLC0415
            BlackBoxClassifierNeuralNetwork,
        )

        network = digits_network()
        estimator = (
            as_art_white_box(network)
            if name == "DeepFool"
            else as_art(NativeNetwork(network, threads=1), scale=network.scale)
        )
        if name == "ZooAttack":  # it asks for pixels outside of 0..1
            estimator = BlackBoxClassifierNeuralNetwork(
                lambda values, asked=estimator.predict: asked(values.clip(0, 1)),
                *((1, 8, 8), 10),
                channels_first=True,
                clip_values=(-1.0, 1.0),  # of the perturbation, which ART clips to this
            )
        attack = getattr(evasion, name)(estimator, verbose=False, **settings)
        np.random.seed(0)  # what ART draws from
        values = (IMAGES[:count] / 255).transpose(0, 3, 1, 2).astype(np.float32)
        found = attack.generate(values, np.eye(10, dtype=np.float32)[LABELS[:count]])
    return np.rint(255 * found).clip(0, 255).astype(np.uint8).transpose(0, 2, 3, 1)


def within(found: Images, radius: int, norm: str = "l2") -> Images:
    """Return what lies in the ball, else the clean image."""
    clean = IMAGES[: len(found)]
    distances = (l2_distances if norm == "l2" else linf_distances)(clean, found)
    return np.where((distances <= radius)[:, None, None, None], found, clean)


def test_deepfool_is_as_strong_as_art() -> None:
    found = build_attack("deepfool", steps=20, restarts=1).run(
        digits_network(), IMAGES, LABELS, RADIUS, 0
    )
    near = within(art("DeepFool", 30, max_iter=20, epsilon=0.02), RADIUS)
    assert left(found[:30]) <= left(near) + 0.02
    assert left(near) < 0.9 < left(IMAGES)


def test_deepfool_stops_where_no_gradient_leads_anywhere() -> None:
    flat = IntegerNetwork(
        (Flatten(name="f"), Dense(name="d", weights=np.zeros((64, 3), np.int64))), (8, 8, 1), 1.0
    )
    found = build_attack("deepfool", steps=5, restarts=1).run(
        flat, IMAGES, np.zeros_like(LABELS), 200, 0
    )
    np.testing.assert_array_equal(found, IMAGES)


def test_deepfool_leaves_a_tie_that_the_label_wins() -> None:
    weights = np.zeros((64, 2), np.int64)
    weights[:2, 1] = 1, -1  # equal pixels: both logits 0, label 0
    network = IntegerNetwork((Flatten(name="f"), Dense(name="d", weights=weights)), (8, 8, 1), 1.0)
    images, labels = np.full((1, 8, 8, 1), 100, np.uint8), np.zeros(1, np.int64)
    found = build_attack("deepfool", steps=3, restarts=1).run(network, images, labels, 2, 0)
    np.testing.assert_array_equal(classify(network, found), [1])


def test_zoo_is_as_strong_as_art() -> None:
    steps = 15
    settings = {"learning_rate": 0.05, "initial_const": 1.0, "max_iter": steps}
    settings |= {"use_resize": False, "use_importance": False, "variable_h": 16 / 255}
    near = within(art("ZooAttack", 24, nb_parallel=64, binary_search_steps=3, **settings), RADIUS)
    found = ours(Zoo(steps=3 * steps * 129), RADIUS, 24)
    assert left(found) <= left(near) < left(IMAGES[:24])


def test_zoo_of_linf_comes_near_the_white_box() -> None:
    pgd = build_attack("pgd", steps=20, restarts=3)
    white = pgd.run(digits_network(), IMAGES, LABELS, 12, 0)
    assert left(ours(ZooLinf(steps=1300), 12)) <= left(white) + 0.05


def test_the_smallest_differences_are_lost_between_the_stairs() -> None:
    everywhere = np.tile(np.arange(64), (60, 1))
    flat = [(slopes(digits_network(), IMAGES, LABELS, everywhere, h) == 0).mean() for h in (16, 1)]
    assert flat[0] < 0.1
    assert flat[1] > 0.75


def test_differences_across_stairs_lead_further() -> None:
    wide, narrow = (left(ours(ZooLinf(steps=1300, half_width_255=h), 12)) for h in (16, 1))
    assert wide + 0.05 < narrow


def test_slopes_of_a_linear_network_are_its_weights() -> None:
    weights = np.random.default_rng(0).integers(-7, 8, (64, 2))
    network = IntegerNetwork((Flatten(name="f"), Dense(name="d", weights=weights)), (8, 8, 1), 1.0)
    labels, chosen = np.zeros(60, np.int64), np.tile(np.arange(64), (60, 1))
    found = slopes(network, IMAGES, labels, chosen, 9)
    np.testing.assert_allclose(found, np.tile(weights[:, 0] - weights[:, 1], (60, 1)), rtol=1e-6)


def test_every_coordinate_is_moved_before_any_is_again() -> None:
    order = Coordinates([np.random.default_rng(seed) for seed in range(3)], 12, 4)
    first, second = (np.concatenate([order.next() for _ in range(3)], axis=1) for _ in range(2))
    np.testing.assert_array_equal(np.sort(first), np.tile(np.arange(12), (3, 1)))
    np.testing.assert_array_equal(np.sort(second), np.sort(first))
    assert (first != second).any()


def test_adam_is_torch_s() -> None:
    gradients = np.random.default_rng(1).standard_normal((6, 2, 5)).astype(np.float32)
    parameter = torch.zeros(2, 5, requires_grad=True)
    reference, adam = torch.optim.Adam([parameter], lr=0.3), Adam(2, 5, 0.3)
    at, everything = np.zeros((2, 5), np.float32), np.tile(np.arange(5), (2, 1))
    for gradient in gradients:
        at += adam.step(gradient, everything)
        parameter.grad = torch.from_numpy(gradient)
        reference.step()
    np.testing.assert_allclose(at, parameter.detach().numpy(), rtol=1e-4)


class Counted:
    """An engine that counts what it is asked for."""

    def __init__(self) -> None:
        self.engine, self.asked = NativeNetwork(digits_network()), 0
        self.input_shape, self.classes = self.engine.input_shape, self.engine.classes

    def logits(self, images: Images) -> np.ndarray[tuple[int, int], np.dtype[np.int32]]:
        self.asked += len(images)
        return self.engine.logits(images)


@pytest.mark.parametrize(
    "attack", [Zoo(steps=600), ZooLinf(steps=600), HopSkipJump(steps=600)], ids=lambda a: a.name
)
def test_the_queries_are_kept(attack: Attack) -> None:
    victim = Counted()
    attack.run(victim, IMAGES[:20], LABELS[:20], 4, 0)  # type: ignore[arg-type]
    assert 300 * 10 < victim.asked <= (600 + 1) * 20  # and the clean image


@cache
def boundary(queries: int) -> Images:
    return ours(HopSkipJump(steps=queries), 24, 30)


def test_hop_skip_jump_is_as_strong_as_art() -> None:
    found = art("HopSkipJump", 15, norm=np.inf, max_iter=8, init_eval=100, batch_size=64)
    near = within(found, 24, "linf")
    assert left(boundary(2000)[:15]) <= left(near)


def test_more_jumps_come_nearer() -> None:
    assert left(boundary(2000)) + 0.1 < left(boundary(300))


def test_what_no_noise_breaks_comes_back_clean() -> None:
    always = np.zeros((64, 2), np.int64)  # a tie, which goes to 0
    network = IntegerNetwork((Flatten(name="f"), Dense(name="d", weights=always)), (8, 8, 1), 1.0)
    found = HopSkipJump(steps=300).run(network, IMAGES, np.zeros_like(LABELS), 255, 0)
    np.testing.assert_array_equal(found, IMAGES)


def ask(images: Images) -> Labels:
    return classify(digits_network(), images)


def test_the_substitute_learns_the_victim_s_labels_within_its_queries() -> None:
    asked: list[int] = []

    def counting(images: Images) -> Labels:
        asked.append(len(images))
        return ask(images)

    budget = {"queries": 700, "epochs": 10, "step_255": 25.5, "seed": 0}
    substitute = train_substitute(counting, digits().train_images[:150], 10, **budget)  # type: ignore[arg-type]
    assert asked == [150, 150, 300, 100]
    with torch.no_grad():
        found = substitute(torch.from_numpy(digits().test_images).float()).argmax(1).numpy()
    assert np.mean(found == ask(digits().test_images)) > 0.8


def test_each_epoch_of_the_substitute_takes_every_image_once() -> None:
    images, draw = digits().train_images[:200], np.random.default_rng(3)
    expected = Substitute((8, 8, 1), 10, 3)
    adam, first = torch.optim.Adam(expected.parameters(), lr=2e-3), images[draw.permutation(200)]
    points, labels = torch.from_numpy(first).float(), torch.from_numpy(ask(first))
    for _ in range(3):
        for batch in torch.from_numpy(draw.permutation(200)).split(128):
            loss = torch.nn.functional.cross_entropy(expected(points[batch]), labels[batch])
            adam.zero_grad()
            loss.backward()
            adam.step()
    found = train_substitute(ask, images, 10, queries=200, epochs=3, step_255=9, seed=3)
    for one, other in zip(found.parameters(), expected.parameters(), strict=True):
        torch.testing.assert_close(one, other)


def _augmentation(queries: int) -> tuple[Substitute, list[Images]]:
    """A substitute for these queries, and what it asked the victim."""
    asked: list[Images] = []

    def noting(images: Images) -> Labels:
        asked.append(images)
        return ask(images)

    found = train_substitute(noting, IMAGES[:6], 10, queries=queries, epochs=2, step_255=9, seed=0)
    return found, asked


def test_images_are_augmented_along_and_against_the_gradient_in_turn() -> None:
    _, asked = _augmentation(21)
    assert [len(one) for one in asked] == [6, 6, 9]
    for number, sign in ((1, 9), (2, -9)):
        known = np.concatenate(asked[:number])
        network, _ = _augmentation(len(known))  # as it was then
        points = torch.from_numpy(known).float().requires_grad_()
        own = network(points)[np.arange(len(known)), torch.from_numpy(ask(known))]
        (gradient,) = torch.autograd.grad(own.sum(), points)
        moved = (points.detach() + sign * gradient.sign()).clamp(0, 255).numpy().astype(np.uint8)
        assert all((new == moved).all((1, 2, 3)).any() for new in asked[number])
        assert len(np.unique(asked[number], axis=0)) == len(asked[number])


def test_the_substitute_is_the_same_for_the_same_seed() -> None:
    budget = {"queries": 60, "epochs": 2, "step_255": 25.5}
    one, same, other = (
        train_substitute(ask, IMAGES[:30], 10, seed=seed, **budget)  # type: ignore[arg-type]
        for seed in (0, 0, 1)
    )
    assert torch.equal(one[0].weight, same[0].weight)  # type: ignore[arg-type]
    assert not torch.equal(one[0].weight, other[0].weight)  # type: ignore[arg-type]


def test_what_fools_the_substitute_transfers_in_part() -> None:
    attack = Transfer(steps=10, queries=700, held_out=digits().train_images[:150])
    pgd = build_attack("pgd", steps=10, restarts=1).run(digits_network(), IMAGES, LABELS, 24, 0)
    noise = left(ours(Noise(), 24))
    once, thrice = (left(ours(replace(attack, restarts=n), 24)) for n in (1, 3))
    assert left(pgd) < thrice <= once < noise - 0.15
