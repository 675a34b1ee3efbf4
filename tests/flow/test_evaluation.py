# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The evaluator judges by itself, and refuses what broke its budget."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from quantized_digits import digits, digits_network
from scipy.stats import binomtest

from flow.attacks import Attack, Differentiable, build_attack
from flow.classifier import Images, Labels, Logits
from flow.errors import FlowError
from flow.evaluation import (
    Evaluation,
    RobustAccuracy,
    evaluate,
    masked_gradient_signs,
    noise_accuracy,
    union,
    wilson_interval,
)
from flow.progress import Report

IMAGES = digits().test_images[:100]
LABELS = digits().test_labels[:100]


@dataclass
class Returns(Attack):
    """Hands back what it was given."""

    name: ClassVar[str] = "returns"
    found: np.ndarray
    steps: int = 1
    restarts: int = 1

    def run(
        self,
        network: Differentiable,
        images: Images,
        labels: Labels,
        epsilon_255: int,
        seed: int,
        *,
        progress: Report | None = None,
    ) -> Images:
        del network, images, labels, epsilon_255, seed, progress
        return self.found


def judged(attack: Attack, epsilon_255: int = 16) -> Evaluation:
    return evaluate(digits_network(), IMAGES, LABELS, attack, epsilon_255, seed=0, network="plain")


def test_row_says_everything_about_the_figure() -> None:
    row = judged(build_attack("pgd", steps=5, restarts=2)).row
    assert (row.network, row.engine, row.attack, row.norm) == ("plain", "integer", "pgd", "linf")
    assert (row.epsilon_255, row.steps, row.restarts, row.seed, row.images) == (16, 5, 2, 0, 100)
    assert row.ci95[0] < row.accuracy < row.ci95[1]


def test_accuracy_is_the_victims_own() -> None:
    result = judged(build_attack("pgd", steps=10, restarts=1))
    labels = digits_network().logits(result.adversarial).argmax(axis=1)
    np.testing.assert_array_equal(result.labels_adversarial, labels)
    assert result.row.accuracy == (labels == LABELS).mean()


def test_images_that_are_wrong_when_clean_are_lost() -> None:
    """An attack that corrects a mistake gains nothing by it."""
    wrong = digits_network().logits(IMAGES).argmax(axis=1) != LABELS
    assert wrong.any()
    repaired = IMAGES.copy()
    repaired[wrong] = 0
    result = judged(Returns(repaired), 255)
    np.testing.assert_array_equal(result.adversarial, IMAGES)
    assert result.row.accuracy == 1 - wrong.mean()


def test_image_outside_the_ball_is_refused_not_clipped() -> None:
    far = IMAGES.copy()
    far[7, 0, 0, 0] = 17 if IMAGES[7, 0, 0, 0] == 0 else 0
    with pytest.raises(FlowError, match=r"attack returns: image 7 is 17 from .* ball of 16 .*1 of"):
        judged(Returns(far))


def test_distance_does_not_wrap_around() -> None:
    """255 - 0 must not look like -1 in uint8."""
    clean = np.zeros_like(IMAGES)
    found = clean + 255
    with pytest.raises(FlowError, match="image 0 is 255 from"):
        evaluate(
            digits_network(),
            clean,
            LABELS,
            Returns(found.astype(np.uint8)),
            16,
            seed=0,
            network="n",
        )


def test_floats_are_refused() -> None:
    with pytest.raises(FlowError, match="attack returns: returned float32 images; round them"):
        judged(Returns(IMAGES.astype(np.float32)))


def test_other_shape_is_refused() -> None:
    with pytest.raises(FlowError, match=r"returned shape \(5, 8, 8, 1\), not \(100, 8, 8, 1\)"):
        judged(Returns(IMAGES[:5]))


def test_no_images_are_refused() -> None:
    with pytest.raises(FlowError, match="evaluation of n: there are 0 images"):
        evaluate(
            digits_network(), IMAGES[:0], LABELS[:0], Returns(IMAGES[:0]), 1, seed=0, network="n"
        )


class LogitsOnly:
    """A victim without gradients, as a board is."""

    input_shape = (8, 8, 1)
    classes = 10

    def logits(self, images: Images) -> Logits:
        return digits_network().logits(images)


def test_victim_without_gradients_needs_a_surrogate() -> None:
    attack = build_attack("fgsm", steps=1, restarts=1)
    with pytest.raises(FlowError, match="LogitsOnly has no torch twin; give the integer network"):
        evaluate(LogitsOnly(), IMAGES, LABELS, attack, 8, seed=0, network="board")
    row = evaluate(
        LogitsOnly(),
        IMAGES,
        LABELS,
        attack,
        16,
        seed=0,
        network="plain",
        surrogate=digits_network(),
    ).row
    assert row == judged(attack).row


def test_union_counts_an_image_that_any_attack_fools() -> None:
    fgsm, pgd = (judged(build_attack(name, steps=3, restarts=1)) for name in ("fgsm", "pgd"))
    both = union([fgsm.verdict, pgd.verdict])
    held = (fgsm.labels_adversarial == LABELS) & (pgd.labels_adversarial == LABELS)
    assert (both.attack, both.steps, both.accuracy) == ("fgsm+pgd", 3, held.mean())


def test_union_of_different_epsilons_is_refused() -> None:
    fgsm = build_attack("fgsm", steps=1, restarts=1)
    with pytest.raises(FlowError, match="differ in network, epsilon or images"):
        union([judged(fgsm, 8).verdict, judged(fgsm, 16).verdict])


@given(st.integers(1, 20_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_interval_equals_scipys(case: tuple[int, int]) -> None:
    oracle = binomtest(*case).proportion_ci(method="wilson")
    assert wilson_interval(*case) == pytest.approx((oracle.low, oracle.high), abs=1e-12)


@pytest.mark.parametrize(("successes", "trials"), [(0, 0), (-1, 3), (4, 3)])
def test_impossible_proportion_is_refused(successes: int, trials: int) -> None:
    with pytest.raises(FlowError, match=f"{successes} successes in {trials} trials"):
        wilson_interval(successes, trials)


def test_real_attack_shows_no_sign_of_masking() -> None:
    pgd = build_attack("pgd", steps=40, restarts=1)
    rows = [judged(pgd, epsilon).row for epsilon in (8, 16, 128)]
    noise = {
        epsilon: noise_accuracy(digits_network(), IMAGES, LABELS, epsilon, seed=0)
        for epsilon in (8, 16)
    }
    assert masked_gradient_signs(rows, noise) == []
    assert noise[16] > rows[1].accuracy + 0.2


def row(epsilon_255: int, accuracy: float) -> RobustAccuracy:
    return RobustAccuracy(
        network="n",
        engine="integer",
        attack="pgd",
        norm="linf",
        epsilon_255=epsilon_255,
        steps=40,
        restarts=5,
        seed=0,
        images=100,
        accuracy=accuracy,
        ci95=(0.0, 1.0),
    )


def test_each_sign_of_masking_is_named() -> None:
    signs = masked_gradient_signs([row(128, 0.6), row(8, 0.9), row(64, 0.4)], {8: 0.5})
    assert signs == [
        "accuracy rises from 40.0% at epsilon 64 to 60.0% at 128",
        "random noise of 8 leaves 50.0%, less than the attack's 90.0%",
        "accuracy is still 60.0% at epsilon 128",
    ]
