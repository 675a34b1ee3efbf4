# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Auto-PGD, Square and C&W beside ART's on the same twin, at the same budget."""

import warnings

import numpy as np
import pytest
from quantized_digits import digits, digits_network

from flow.attacks import build_attack
from flow.classifier import Images
from flow.evaluation.adapters import as_art, as_art_white_box
from flow.evaluation.evaluator import classify, l2_distances
from flow.integer.native import NativeNetwork

IMAGES = digits().test_images[:80]
LABELS = digits().test_labels[:80]
STEPS, QUERIES, EPSILON = 20, 200, 12


def art(name: str, **settings: object) -> Images:
    """What an attack of ART 1.20.1 finds, rounded to uint8."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of frameworks that ART looks for, and of numpy 2
        from art.attacks import evasion  # noqa: PLC0415 - warns when imported

        network = digits_network()
        estimator = (
            as_art(NativeNetwork(network, threads=1), scale=network.scale)
            if name == "SquareAttack"
            else as_art_white_box(network)
        )
        attack = getattr(evasion, name)(estimator, verbose=False, batch_size=100, **settings)
        np.random.seed(0)  # what ART draws from
        values = (IMAGES / 255).transpose(0, 3, 1, 2).astype(np.float32)
        found = attack.generate(values, np.eye(10, dtype=np.float32)[LABELS])
    return np.rint(255 * found).clip(0, 255).astype(np.uint8).transpose(0, 2, 3, 1)


def left(images: Images) -> float:
    return float((classify(digits_network(), images) == LABELS).mean())


def ours(name: str, epsilon_255: int = EPSILON) -> Images:
    attack = build_attack(name, steps=STEPS, restarts=1, queries=QUERIES)
    return attack.run(digits_network(), IMAGES, LABELS, epsilon_255, 0)


@pytest.mark.parametrize(
    ("name", "loss"),
    [("apgd_ce", "cross_entropy"), ("apgd_dlr", "difference_logits_ratio")],
)
def test_auto_pgd_is_as_strong_as_art(name: str, loss: str) -> None:
    budget = {"eps": EPSILON / 255, "eps_step": 2 * EPSILON / 255, "max_iter": STEPS}
    found = art("AutoProjectedGradientDescent", loss_type=loss, nb_random_init=1, **budget)
    assert left(ours(name)) <= left(found) + 0.02


def test_square_is_as_strong_as_art() -> None:
    found = art("SquareAttack", eps=EPSILON / 255, max_iter=QUERIES, nb_restarts=1, p_init=0.8)
    assert left(ours("square")) <= left(found) + 0.03


def test_cw_finds_images_as_near_as_art() -> None:
    radius = 80
    search = {"max_iter": STEPS, "binary_search_steps": 4, "initial_const": 1.0}
    far = art("CarliniL2Method", learning_rate=0.05, **search)
    inside = l2_distances(IMAGES, far) <= radius
    near = np.where(inside[:, None, None, None], far, IMAGES)
    assert left(ours("cw", radius)) <= left(near) + 0.02
    assert left(near) < 0.9 < left(IMAGES)
