# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The verdicts on multi-strength training, on rows made by hand, and one small run."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from flow.experiments._mat_cost import StepCost, step_costs
from flow.experiments._strengths import Measured
from flow.experiments.mat import Mat, judge_cost, judge_range, judge_zones
from flow.experiments.registry import find
from flow.experiments.scale import Scale
from flow.experiments.study import Study
from flow.experiments.trained import Training
from tests.flow.bar_images import bars_dataset

_WEAK, _MIDDLE, _STRONG = "FGSM 25/255", "FGSM 51/255", "FGSM 76/255"


def _samples(accuracies: Mapping[str, tuple[float, float]]) -> list[Measured]:
    """Two seeds a training, each attacked at 25 and at 76."""
    return [
        Measured(
            method=method,
            seed=seed,
            clean=0.97,
            robust={"fgsm": {25: weak + 0.01 * seed, 76: strong + 0.01 * seed}},
        )
        for method, (weak, strong) in accuracies.items()
        for seed in range(2)
    ]


@pytest.mark.parametrize(
    ("weak", "strong", "outcome"),
    [
        ((0.9, 0.3), (0.7, 0.8), "reproduced"),
        ((0.7, 0.3), (0.9, 0.8), "refuted"),  # the strong one wins at both
        ((0.9, 0.8), (0.7, 0.8), "undecided"),
    ],
)
def test_zones_need_a_winner_each(
    weak: tuple[float, float], strong: tuple[float, float], outcome: str
) -> None:
    found = judge_zones(_samples({_WEAK: weak, _STRONG: strong}), images=1000)
    assert found.outcome == outcome
    assert f"gains {100 * (weak[0] - strong[0]):+.2f} points" in found.evidence


@pytest.mark.parametrize(
    ("mixed", "outcome"), [(0.8, "reproduced"), (0.4, "refuted"), (0.6, "undecided")]
)
def test_mat_is_compared_with_the_best_strength(mixed: float, outcome: str) -> None:
    singles = {_WEAK: (0.5, 0.1), _MIDDLE: (0.7, 0.5), _STRONG: (0.3, 0.6)}
    both = {"MAT mixed": (mixed, mixed), "MAT parallel": (mixed - 0.1, mixed)}
    found = judge_range(_samples(singles | both), "fgsm", images=1000)
    assert found.outcome == outcome
    assert f"against {_MIDDLE}, the best of 3" in found.evidence
    assert "parallel against mixed -5.00 points" in found.evidence
    assert "lacks 50.0 points (FGSM 25/255), 10.0 points (FGSM 51/255), 40.0" in found.evidence


@pytest.mark.parametrize(
    ("mib", "seconds", "outcomes"),
    [
        (40.0, 3.0, ["reproduced", "reproduced"]),
        (10.0, 4.0, ["undecided", "undecided"]),
        (5.0, 5.0, ["refuted", "refuted"]),
    ],
)
def test_costs_decide(mib: float, seconds: float, outcomes: list[str]) -> None:
    noise = (0.99, 1.0, 1.01)
    mixed = StepCost(seconds=[1.0, 1.0, 1.0], saved_mib=10.0)
    parallel = StepCost(seconds=[seconds * one for one in noise], saved_mib=mib)
    found = judge_cost(mixed, parallel)
    assert [one.outcome for one in found] == outcomes
    assert f"{mib / 10:.2f} times" in found[0].evidence


@pytest.fixture
def study(tmp_path: Path) -> Study:
    scale = Scale(train_images=120, epochs=1, images=10)
    return Study(bars_dataset(noise=60, light=120), scale, tmp_path, "tfc")


def test_branches_keep_more_for_their_backward_passes(study: Study) -> None:
    trainings = {
        name: Training(objective=name, epsilon_255=20, batch=40)
        for name in ("mat_mixed", "mat_parallel")
    }
    found = step_costs(study, 4, trainings)
    assert 2.5 < found["mat_parallel"].saved_mib / found["mat_mixed"].saved_mib < 4
    assert all(one.milliseconds > 0 for one in found.values())
    assert len(found["mat_mixed"].seconds) == len(found["mat_parallel"].seconds) > 4


def test_a_run_trains_every_strength(study: Study) -> None:
    found = Mat(seeds=1).run(study)
    assert [row["network"] for row in found.rows] == [
        *(_WEAK, _MIDDLE, _STRONG, "MAT mixed", "MAT parallel")
    ]
    assert {"clean", "fgsm_25", "pgd_76", "step_ms", "saved_mib"} <= set(found.rows[0])
    assert [len(panel.curves) for panel in found.panels] == [5, 5, 1, 1]
    assert len(found.verdicts) == 5


def test_the_experiment_is_listed() -> None:
    assert isinstance(find("mat"), Mat)
