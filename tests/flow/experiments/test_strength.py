# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The verdicts on bit widths and attack strengths, on rows made by hand, and one small run."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from flow.experiments._contrast import Contrast
from flow.experiments._strengths import (
    Measured,
    against_strength,
    at,
    clean,
    grouped,
    judged_epsilon,
    over,
)
from flow.experiments.registry import find
from flow.experiments.scale import Scale
from flow.experiments.strength import Strength, crossing_point, judge
from flow.experiments.study import Study
from tests.flow.bar_images import bars_dataset

_EPSILONS = (4, 8, 16)


def _samples(accuracies: Mapping[str, Sequence[float]]) -> list[Measured]:
    """Two seeds a method, 1% apart, each attacked at three strengths."""
    return [
        Measured(
            method=method,
            seed=seed,
            clean=0.97,
            robust={"fgsm": {e: v + 0.01 * seed for e, v in zip(_EPSILONS, values, strict=True)}},
        )
        for method, values in accuracies.items()
        for seed in range(2)
    ]


_EIGHT = (0.9, 0.6, 0.2)
_CASES = [
    ((0.7, 0.6, 0.4), "reproduced", "2 bits: +20.0 points at 16, -20.0 points at 4, crossing at 8"),
    ((0.7, 0.4, 0.1), "refuted", "no clear crossing"),  # always worse
    ((0.89, 0.61, 0.2), "undecided", "(within noise)"),
    ((0.7, 0.6, 0.21), "undecided", "no clear crossing"),  # a loss is clear, a gain is not
]


@pytest.mark.parametrize(("two", "outcome", "evidence"), _CASES)
def test_both_signs_decide(two: Sequence[float], outcome: str, evidence: str) -> None:
    found = judge(_samples({"2 bits": two, "8 bits": _EIGHT}), "fgsm", images=1000)
    assert found.outcome == outcome
    assert evidence in found.evidence


def test_gains_and_losses_of_different_widths_do_not_add_up() -> None:
    samples = _samples({"2 bits": (0.7, 0.4, 0.1), "4 bits": (0.95, 0.8, 0.4), "8 bits": _EIGHT})
    assert judge(samples, "fgsm", images=1000).outcome == "refuted"


def test_a_gain_among_guesses_does_not_count() -> None:
    samples = _samples({"2 bits": (0.7, 0.5, 0.1), "8 bits": (0.9, 0.5, 0.02)})
    assert judge(samples, "fgsm", images=1000, guessing=0.02).outcome == "reproduced"
    assert judge(samples, "fgsm", images=1000, guessing=0.1).outcome != "reproduced"


def test_networks_that_only_guess_decide_nothing() -> None:
    found = judge(_samples({"2 bits": (0.1,) * 3, "8 bits": (0.05,) * 3}), "fgsm", images=1000)
    assert (found.outcome, found.evidence[-20:]) == ("undecided", "never above guessing")


def test_few_images_decide_nothing() -> None:
    samples = _samples({"2 bits": (0.7, 0.6, 0.4), "8 bits": _EIGHT})
    assert judge(samples, "fgsm", images=20).outcome == "undecided"


def test_more_pairs_need_a_clearer_difference() -> None:
    clear = {"2 bits": (0.87, 0.6, 0.24), "8 bits": _EIGHT}
    others = {f"{bits} bits": _EIGHT for bits in range(9, 60)}
    assert judge(_samples(clear), "fgsm", images=1000).outcome == "reproduced"
    assert judge(_samples(clear | others), "fgsm", images=1000).outcome == "undecided"


def _gain(estimate: float, half: float = 0.05) -> Contrast:
    return Contrast(estimate=estimate, low=estimate - half, high=estimate + half)


@pytest.mark.parametrize(
    ("gains", "expected"),
    [
        ({4: -0.2, 8: 0.2}, 6.0),
        ({4: -0.2, 8: -0.01, 16: 0.03, 32: 0.3}, 10.0),  # what is within noise counts for the line
        ({4: -0.2, 8: 0.04}, None),
        ({4: 0.2, 8: 0.1}, None),
    ],
)
def test_crossing_lies_between_a_clear_gain_and_a_clear_loss(
    gains: Mapping[int, float], expected: float | None
) -> None:
    found = crossing_point({epsilon: _gain(value) for epsilon, value in gains.items()})
    assert found == (None if expected is None else pytest.approx(expected))


def test_cells_hold_a_value_for_each_seed() -> None:
    samples = _samples({"2 bits": (0.7, 0.6, 0.4), "8 bits": _EIGHT})
    assert grouped(samples, at("fgsm", 4)) == {"2 bits": [0.7, 0.71], "8 bits": [0.9, 0.91]}
    assert grouped(samples, clean)["2 bits"] == [0.97, 0.97]
    assert grouped(samples, over("fgsm"))["2 bits"][0] == pytest.approx(1.7 / 3)


def test_the_judged_strength_depends_on_the_baseline_alone() -> None:
    assert judged_epsilon(_samples({"a": (0.5, 0.5, 0.5), "b": _EIGHT}), "fgsm", "b") == 8
    assert judged_epsilon(_samples({"a": (0.5, 0.5, 0.5), "b": (0.6, 0, 0)}), "fgsm", "b") == 4


def test_curves_start_without_an_attack() -> None:
    panel = against_strength(_samples({"8 bits": _EIGHT}), "fgsm", "title", 100, ["8 bits"])
    (curve,) = panel.curves
    assert curve.x == (0, 4, 8, 16)
    assert curve.y == pytest.approx((0.97, 0.905, 0.605, 0.205))
    assert curve.low is not None
    assert all(low < y for low, y in zip(curve.low, curve.y, strict=True))


def test_a_run_attacks_every_width(tmp_path: Path) -> None:
    dataset = bars_dataset(noise=60, light=120)
    study = Study(dataset, Scale(train_images=400, epochs=1, images=10), tmp_path, "tfc")
    found = Strength(bits=(2, 8), seeds=1).run(study)
    assert [(row["network"], row["seed"]) for row in found.rows] == [("2 bits", 0), ("8 bits", 0)]
    assert {"clean", "fgsm_4", "pgd_102"} <= set(found.rows[0])
    assert [len(panel.curves) for panel in found.panels] == [2, 2, 1, 1]
    two, eight = (row["fgsm_4"] for row in found.rows)
    assert found.panels[2].curves[0].y[0] == pytest.approx(100 * (two - eight))
    assert [one.claim[:4] for one in found.verdicts] == ["FGSM", "PGD:"]


def test_the_experiment_is_listed() -> None:
    assert isinstance(find("strength"), Strength)
