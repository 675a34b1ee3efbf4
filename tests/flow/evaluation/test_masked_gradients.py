# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Each sign of hidden gradients is found, and a real attack shows none."""

from dataclasses import replace

import numpy as np
import pytest
from quantized_digits import digits, digits_network

from flow.attacks import build_attack
from flow.classifier import Images, Logits
from flow.evaluation.evaluator import RobustAccuracy, evaluate, wilson_interval
from flow.evaluation.masked_gradients import Check, masked_gradient_findings, noise_holds
from flow.integer import IntegerNetwork

IMAGES = digits().test_images[:100]
LABELS = digits().test_labels[:100]


def measured(epsilon_255: int, steps: int = 40) -> RobustAccuracy:
    pgd = build_attack("pgd", steps=steps, restarts=1)
    data = digits_network(), IMAGES, LABELS
    return evaluate(*data, pgd, epsilon_255, seed=0, network="plain").row


def test_real_attack_shows_no_sign_of_masking() -> None:
    rows = [measured(epsilon) for epsilon in (8, 16, 128)]
    noise = {
        epsilon: float(noise_holds(digits_network(), IMAGES, LABELS, epsilon, seed=0).mean())
        for epsilon in (8, 16)
    }
    assert masked_gradient_findings([*rows, measured(16, steps=10)], noise) == []
    assert noise[16] > rows[1].accuracy + 0.2


class Noting:
    """Says label 1 of every image, and keeps them."""

    input_shape, classes = (8, 8, 1), 2

    def logits(self, images: Images) -> Logits:
        self.images = images
        return np.tile(np.array([0, 1], np.int32), (len(images), 1))


def test_noise_takes_every_value_of_the_ball_and_none_outside() -> None:
    values = np.array([0, 1, 100, 254, 255], np.uint8)
    images, victim = np.tile(values[:, None, None, None], (1, 8, 8, 1)), Noting()
    right = noise_holds(victim, images, np.array([1, 0, 1, 1, 0]), 2, seed=0)
    assert right.tolist() == [True, False, True, True, False]
    for clean, noisy in zip(values.tolist(), victim.images, strict=True):
        assert set(noisy.ravel().tolist()) == set(range(max(clean - 2, 0), min(clean + 2, 255) + 1))


def test_a_network_whose_logits_saturate_is_found() -> None:
    """Unscaled integer logits underflow in the plain cross-entropy; Square does not care."""
    network = digits_network()
    blind = IntegerNetwork(network.operations, network.input_shape, 100.0)
    rows = [
        evaluate(blind, IMAGES, LABELS, attack, 16, seed=0, network="plain").row
        for attack in (
            build_attack("pgd", steps=20, restarts=1),
            build_attack("square", steps=1, restarts=1, queries=200),
        )
    ]
    assert [found.check for found in masked_gradient_findings(rows, {})] == [Check.BLACK_BOX]


ROW = RobustAccuracy(
    network="n",
    engine="integer",
    attack="pgd",
    norm="linf",
    epsilon_255=8,
    steps=40,
    restarts=5,
    seed=0,
    images=100,
    accuracy=0.5,
    ci95=(0.0, 1.0),
)

FAILING = {
    Check.MONOTONE: (
        [ROW, replace(ROW, epsilon_255=9, accuracy=0.6)],
        "accuracy rises from 50.0% at epsilon 8 to 60.0% at 9",
    ),
    Check.TO_ZERO: (
        [replace(ROW, epsilon_255=128, accuracy=0.06)],
        "accuracy is still 6.0% at epsilon 128",
    ),
    Check.MORE_STEPS: (
        [ROW, replace(ROW, steps=100, accuracy=0.6)],
        "100 steps of pgd leave 60.0% at epsilon 8, more than the 50.0% of 40 steps",
    ),
    Check.ITERATION: (
        [ROW, replace(ROW, attack="fgsm", steps=1, accuracy=0.4)],
        "pgd leaves 50.0% at epsilon 8, more than the 40.0% of one step (fgsm)",
    ),
    Check.BLACK_BOX: (
        [ROW, replace(ROW, attack="square", accuracy=0.4)],
        "pgd leaves 50.0% at epsilon 8, more than the 40.0% of square, which follows no gradients; "
        "that is within its 95% interval, 0.0% to 100.0%",
    ),
    Check.NOISE: (
        [replace(ROW, epsilon_255=4, accuracy=0.9)],
        "random noise of 4 leaves 70.0%, less than the attack's 90.0%",
    ),
}


@pytest.mark.parametrize("check", Check)
def test_each_sign_of_masking_is_named(check: Check) -> None:
    rows, message = FAILING[check]
    (found,) = masked_gradient_findings(rows, {4: 0.7})
    assert (found.check, found.message) == (check, message)
    assert found.accuracy > found.limit
    assert found.epsilon_255 == max(row.epsilon_255 for row in rows)


@pytest.mark.parametrize(
    "check", [Check.MONOTONE, Check.MORE_STEPS, Check.ITERATION, Check.BLACK_BOX]
)
def test_one_image_in_a_hundred_is_no_sign(check: Check) -> None:
    rows, _ = FAILING[check]
    near = [replace(row, accuracy=0.5 + 0.01 * np.sign(row.accuracy - 0.5)) for row in rows]
    assert masked_gradient_findings(near, {}) == []


FGSM = replace(ROW, attack="fgsm", steps=1)
HARMLESS = {
    "what no epsilon must destroy": [replace(ROW, epsilon_255=127)],
    "near zero": [replace(ROW, epsilon_255=255, accuracy=0.05)],
    "other attacks": [ROW, replace(ROW, attack="apgd_ce", steps=41, accuracy=0.6)],
    "more restarts": [ROW, replace(ROW, steps=41, restarts=6, accuracy=0.6)],
    "fewer restarts": [ROW, replace(ROW, steps=41, restarts=4, accuracy=0.6)],
    # two objects of one number, as rows of a file have; Python keeps a single one of a literal
    "as many steps": [replace(ROW, steps=int("4000"), accuracy=a) for a in (0.5, 0.6)],
    "more steps nearer": [ROW, replace(ROW, steps=41, epsilon_255=7, accuracy=0.6)],
    "one step elsewhere": [replace(ROW, epsilon_255=4, accuracy=0.6), FGSM],
    "black boxes elsewhere": [ROW, replace(ROW, attack="square", epsilon_255=7, accuracy=0.1)],
    "noise is no search": [ROW, replace(ROW, attack="noise", accuracy=0.1)],
}


@pytest.mark.parametrize("kind", HARMLESS)
def test_what_is_no_sign_is_not_named(kind: str) -> None:
    assert masked_gradient_findings(HARMLESS[kind], {8: 0.5}) == []


def test_fewer_steps_further_away_may_leave_less_than_more_steps_nearer() -> None:
    rows = [replace(ROW, steps=39, epsilon_255=9, accuracy=0.4), ROW]
    assert masked_gradient_findings(rows, {}) == []


def test_two_steps_are_many() -> None:
    rows = [replace(FGSM, accuracy=0.4), replace(ROW, steps=2)]
    assert [one.check for one in masked_gradient_findings(rows, {})] == [Check.ITERATION]


def test_noise_of_nothing_harms_nobody() -> None:
    assert masked_gradient_findings([replace(ROW, epsilon_255=0)], {0: 0.1}) == []


@pytest.mark.parametrize("attack", ["flip", "square"])
@pytest.mark.parametrize(("images", "side"), [(100, "within"), (1000, "above")])
def test_what_no_gradient_finds_is_held_against_the_interval(
    attack: str, images: int, side: str
) -> None:
    """46 and 50 of 100 may be chance; 460 and 500 of 1,000 differ by more than the interval."""
    interval = wilson_interval(images * 46 // 100, images)
    found = replace(ROW, attack=attack, images=images, accuracy=0.46, ci95=interval)
    (finding,) = masked_gradient_findings([replace(ROW, images=images), found], {})
    assert f"of {attack}, which follows no gradients; that is {side} its 95%" in finding.message


def test_the_upper_end_of_the_interval_is_within() -> None:
    at_end = replace(ROW, attack="flip", accuracy=0.4, ci95=(0.3, ROW.accuracy))
    (finding,) = masked_gradient_findings([ROW, at_end], {})
    assert "within its 95% interval, 30.0% to 50.0%" in finding.message


def test_unions_and_other_norms_are_passed_over() -> None:
    rows = [replace(ROW, attack="pgd+square"), replace(ROW, attack="cw", norm="l2")]
    far = [replace(row, epsilon_255=200, accuracy=np.float64(0.9)) for row in rows]
    assert masked_gradient_findings([*rows, *far], {8: 0.1}) == []
