# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The verdicts on training with a single step, and a small run."""

from pathlib import Path

import pytest

from flow.experiments._strengths import Measured
from flow.experiments.registry import find
from flow.experiments.scale import Scale
from flow.experiments.single_step import SingleStep, judge
from flow.experiments.study import Study
from tests.flow.bar_images import bars_dataset

_METHODS = ("FGSM", "FGSM, random start", "PGD")


def _samples(one_step: tuple[float, ...], many: tuple[float, ...]) -> list[Measured]:
    """Two seeds a method, under FGSM and PGD; at 26/255 PGD training is half right."""
    return [
        Measured(
            method=method,
            seed=seed,
            clean=0.9,
            robust={
                "fgsm": {8: 0.9, 26: fgsm, 51: 0.1},
                "pgd": {8: 0.9, 26: pgd + 0.01 * seed, 51: 0.0},
            },
        )
        for method, fgsm, pgd in zip(_METHODS, one_step, many, strict=True)
        for seed in range(2)
    ]


@pytest.mark.parametrize(
    ("one_step", "many", "outcomes"),
    [
        ((0.9, 0.5, 0.6), (0.1, 0.3, 0.5), ["reproduced"] * 3),
        ((0.7, 0.7, 0.9), (0.7, 0.6, 0.4), ["refuted"] * 3),
        ((0.6, 0.6, 0.6), (0.5, 0.5, 0.5), ["undecided"] * 3),
    ],
)
def test_trainings_are_judged_where_pgd_training_is_half_right(
    one_step: tuple[float, ...], many: tuple[float, ...], outcomes: list[str]
) -> None:
    found = judge(_samples(one_step, many), images=1000)
    assert [one.outcome for one in found] == outcomes
    assert found[0].claim.startswith("PGD 26/255")
    assert f"{100 * (many[1] - many[0]):+.2f} points" in found[0].evidence


def test_a_small_run_attacks_each_training_with_both(tmp_path: Path) -> None:
    scale = Scale(train_images=120, epochs=2, images=10)
    study = Study(bars_dataset(noise=60, light=120), scale, tmp_path, "tfc")
    found = SingleStep(seeds=1).run(study)
    assert [row["network"] for row in found.rows] == list(_METHODS)
    assert {"clean", "fgsm_8", "pgd_51", "training_s"} <= set(found.rows[0])
    assert [len(panel.curves) for panel in found.panels] == [3, 3]


def test_it_is_registered() -> None:
    assert isinstance(find("single-step"), SingleStep)
