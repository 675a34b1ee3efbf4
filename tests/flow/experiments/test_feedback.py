# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The verdicts on feedback learning and on boundary retraining, and a small run of each."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from flow.experiments import boundary, feedback
from flow.experiments._strengths import Measured
from flow.experiments.boundary import BoundaryRetraining
from flow.experiments.feedback import FeedbackLearning
from flow.experiments.registry import find
from flow.experiments.scale import Scale
from flow.experiments.study import Study
from tests.flow.bar_images import bars_dataset

_METHODS = ("before", "plain", "classes alike", "feedback")


def _samples(
    natural: Mapping[str, float], robust: Mapping[str, float], ratio: Mapping[str, float]
) -> list[Measured]:
    """Two seeds a method; the farther of two classes is `ratio` times as far as the other."""
    return [
        Measured(
            method=method,
            seed=seed,
            clean=natural[method] + 0.001 * seed,
            robust={"pgd": {8: 0.9, 26: robust[method] + 0.01 * seed, 51: 0.02}},
            extra={"distance_0": 10.0, "distance_1": 10.0 * ratio[method] * (1 + 0.02 * seed)},
        )
        for method in natural
        for seed in range(2)
    ]


def _of(plain: float, alike: float, ours: float) -> dict[str, float]:
    return dict(zip(_METHODS, (plain, plain, alike, ours), strict=True))


@pytest.mark.parametrize(
    ("natural", "robust", "ratio", "outcomes"),
    [
        (_of(0.9, 0.9, 0.95), _of(0.5, 0.6, 0.8), _of(4, 4, 2), ["reproduced"] * 4),
        (_of(0.95, 0.9, 0.9), _of(0.5, 0.6, 0.3), _of(4, 2, 4), ["refuted"] * 4),
        (_of(0.9, 0.9, 0.9), _of(0.5, 0.5, 0.5), _of(4, 4, 4), ["undecided"] * 4),
    ],
)
def test_feedback_is_judged_against_retraining_without_it(
    natural: dict[str, float],
    robust: dict[str, float],
    ratio: dict[str, float],
    outcomes: list[str],
) -> None:
    found = feedback.judge(_samples(natural, robust, ratio), images=1000, tested=10_000)
    assert [one.outcome for one in found] == outcomes
    assert "PGD 26/255" in found[1].claim
    gain = 100 * (robust["feedback"] - robust["plain"])
    assert found[1].evidence.startswith(f"{gain:+.2f} points [")
    assert found[3].evidence.startswith("the farthest class is 2^2.01 times as far")


def test_a_class_on_the_boundary_counts_as_a_unit_away() -> None:
    samples = [
        Measured(
            method=method,
            seed=seed,
            clean=0.9,
            robust={"pgd": {8: 0.5}},
            extra={"distance_0": 0.0, "distance_1": 8.0},
        )
        for method in _METHODS
        for seed in range(2)
    ]
    found = feedback.judge(samples, images=100, tested=100)
    assert found[3].evidence.startswith("the farthest class is 2^3.00 times as far")


_WAYS = ("8 bits", "quantized", "plain", "boundary", "boundary, mapped", "FGSM training")


def _retrained(natural: tuple[float, ...], robust: tuple[float, ...]) -> list[Measured]:
    return [
        Measured(
            method=method,
            seed=seed,
            clean=clean + 0.001 * seed,
            robust={
                "pgd": {8: 0.9, 26: attacked + 0.01 * seed, 51: 0.0},
                "square": {26: attacked + 0.01 * seed},
            },
        )
        for method, clean, attacked in zip(_WAYS, natural, robust, strict=True)
        for seed in range(2)
    ]


@pytest.mark.parametrize(
    ("natural", "robust", "outcomes"),
    [
        (
            (0.98, 0.6, 0.9, 0.96, 0.9, 0.9),
            (0.4, 0.1, 0.4, 0.6, 0.8, 0.2),
            ["reproduced"] * 6,
        ),
        (
            (0.98, 0.97, 0.97, 0.9, 0.9, 0.9),
            (0.4, 0.1, 0.5, 0.3, 0.1, 0.8),
            ["refuted"] * 6,
        ),
        ((0.97,) * 6, (0.5,) * 6, ["undecided"] * 6),
    ],
)
def test_boundary_retraining_is_judged_against_its_baselines(
    natural: tuple[float, ...], robust: tuple[float, ...], outcomes: list[str]
) -> None:
    found = boundary.judge(_retrained(natural, robust), images=1000, tested=10_000)
    assert [one.outcome for one in found] == outcomes
    assert f"{100 * (natural[3] - natural[1]):+.2f} points" in found[0].evidence
    assert found[4].evidence.endswith("boundary, mapped against boundary")


@pytest.fixture
def study(tmp_path: Path) -> Study:
    scale = Scale(train_images=120, epochs=2, images=10)
    return Study(bars_dataset(noise=60, light=120), scale, tmp_path, "tfc")


def test_a_run_of_feedback_measures_every_class(study: Study) -> None:
    found = FeedbackLearning(seeds=1).run(study)
    assert [row["network"] for row in found.rows] == list(_METHODS)
    assert {"clean", "pgd_8", "fgsm_51", "distance_0", "distance_9"} <= set(found.rows[0])
    assert [len(panel.curves) for panel in found.panels] == [4, 4, 4]
    assert len(found.panels[2].curves[0].y) == 10
    assert len(found.verdicts) == 4


def test_a_run_of_boundary_retraining_attacks_every_way(study: Study) -> None:
    found = BoundaryRetraining(seeds=1, scanned=20).run(study)
    assert [row["network"] for row in found.rows] == list(_WAYS)
    assert {"clean", "pgd_8", "square_26"} <= set(found.rows[0])
    assert [len(panel.curves) for panel in found.panels] == [6, 6]
    assert len(found.verdicts) == 6


def test_the_experiments_are_listed() -> None:
    assert isinstance(find("feedback"), FeedbackLearning)
    assert isinstance(find("boundary"), BoundaryRetraining)
