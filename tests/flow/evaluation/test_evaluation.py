# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The evaluator judges by itself, and refuses what broke its budget."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray
from quantized_digits import digits, digits_network

from flow.attacks import Attack, build_attack
from flow.attacks._search import Search
from flow.attacks._victim import Victim
from flow.classifier import Differentiable, Images, Labels, Logits
from flow.errors import FlowError
from flow.evaluation.accuracy import BoardUse, RobustAccuracy, joined
from flow.evaluation.amplification import Amplification
from flow.evaluation.divided import _Shared
from flow.evaluation.evaluator import (
    Evaluation,
    Subject,
    Verdict,
    evaluate,
    l2_distances,
    wilson_interval,
)
from flow.evaluation.masked_gradients import Finding
from flow.evaluation.worst_case import Part, WorstCase
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
        only: NDArray[np.bool_] | None = None,
        progress: Report | None = None,
    ) -> Images:
        del network, images, labels, epsilon_255, seed, only, progress
        return self.found

    def _search(self, victim: Victim, search: Search) -> Iterator[float]:
        raise AssertionError(victim, search)  # run is overridden


class ReturnsL2(Returns):
    norm: ClassVar[str] = "l2"


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


def test_who_was_attacked_is_those_classified_right_or_everyone() -> None:
    predicted = digits_network().logits(IMAGES).argmax(axis=1)
    np.testing.assert_array_equal(judged(Returns(IMAGES)).attacked, predicted == LABELS)
    wrong = (predicted + 1) % 10
    found = evaluate(digits_network(), IMAGES, wrong, Returns(IMAGES), 8, seed=0, network="n")
    assert found.row.accuracy == 0
    assert found.attacked.all()


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


def test_a_black_box_asks_the_victim_itself() -> None:
    square = build_attack("square", steps=1, restarts=1, queries=50)
    row = evaluate(LogitsOnly(), IMAGES, LABELS, square, 16, seed=0, network="plain").row
    assert row == judged(square).row


def test_an_l2_attack_is_judged_in_l2() -> None:
    nearby = IMAGES.copy()
    nearby[3, 2:4, 2:4] = np.where(IMAGES[3, 2:4, 2:4] > 9, IMAGES[3, 2:4, 2:4] - 9, 9)
    moved = l2_distances(IMAGES, nearby)
    assert moved[3] == np.sqrt(((IMAGES[3].astype(int) - nearby[3]) ** 2).sum())
    assert judged(ReturnsL2(nearby), 60).row.norm == "l2"
    with pytest.raises(FlowError, match=r"image 3 is 1\d\.?\d* from .*l2 ball of 9 .*1 of 100"):
        judged(ReturnsL2(nearby), 9)


@pytest.mark.parametrize(
    ("successes", "trials", "interval"),
    [  # the ends and a row of Wilson's formula, by hand
        (0, 100, (0.0, 0.0369935)),
        (100, 100, (0.9630065, 1.0)),
        (1, 3, (0.0614919, 0.7923403)),
        (1, 1, (0.2065493, 1.0)),
    ],
)
def test_wilson_interval(successes: int, trials: int, interval: tuple[float, float]) -> None:
    assert wilson_interval(successes, trials) == pytest.approx(interval, abs=1e-7)


@pytest.mark.parametrize(("successes", "trials"), [(0, 0), (-1, 3), (4, 3)])
def test_impossible_proportion_is_refused(successes: int, trials: int) -> None:
    with pytest.raises(FlowError, match=f"{successes} successes in {trials} trials"):
        wilson_interval(successes, trials)


@pytest.mark.parametrize(
    "kind",
    [
        Amplification,
        BoardUse,
        Evaluation,
        Finding,
        Part,
        RobustAccuracy,
        Subject,
        WorstCase,
        _Shared,
    ],
)
def test_what_is_measured_is_fixed_and_made_by_name(kind: Any) -> None:  # noqa: ANN401
    assert all(one.kw_only for one in fields(kind))
    assert kind.__dataclass_params__.frozen
    assert Verdict.__dataclass_params__.frozen  # type: ignore[attr-defined]


def test_a_union_spends_the_most_and_adds_what_boards_did() -> None:
    board = BoardUse(digest="ab", clock_mhz=100.0, queries=3, seconds=0.5)
    first = judged(build_attack("pgd", steps=3, restarts=2)).row
    second = replace(first, attack="noise", steps=2, restarts=7, board=board)
    holds = np.arange(8) < 6
    found = joined([first, second, replace(second, board=replace(board, queries=4))], holds)
    assert (found.attack, found.steps, found.restarts) == ("pgd+noise+noise", 3, 7)
    assert found.board == replace(board, queries=7, seconds=1.0)
    assert (found.accuracy, found.ci95) == (0.75, wilson_interval(6, 8))
    assert joined([first, first], holds).board is None
