# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from scipy.stats import ttest_ind, ttest_rel

from flow.experiments._contrast import contrast, unpooled
from flow.experiments._defensive import PLAIN, Series
from flow.experiments._defensive_sample import EPSILONS, Sample
from flow.experiments.base import Findings
from flow.experiments.defensive_bits import (
    DefensiveBits,
    DefensiveFoldedBits,
    judge_depth,
    judge_series,
    judged_epsilon,
)
from flow.experiments.defensive_clean import clean_findings, judge_clean
from flow.experiments.registry import find
from flow.experiments.scale import Scale
from flow.experiments.study import Study
from tests.flow.bar_images import bars_dataset

_SERIES = Series(name="standard", objective="standard", epsilon_255=0, bits=(2, 8), seeds=2)


def _samples(robust: Mapping[tuple[str, int], float], last: float = 0.4) -> list[Sample]:
    """Two seeds a cell, 1% apart; `last` is the plain 2-bit network's error behind the layers."""
    return [
        Sample(
            series="standard",
            control=control,
            bits=bits,
            seed=seed,
            clean=0.9,
            robust={8: 0.95, 26: accuracy + 0.01 * seed, 51: 0.02},
            depth=(0.1, 0.1, (last if (control, bits) == (PLAIN, 2) else 0.1) + 0.001 * seed, 0.3),
        )
        for (control, bits), accuracy in robust.items()
        for seed in range(2)
    ]


_LOSES = {(PLAIN, 8): 0.6, (PLAIN, 2): 0.3, ("dq", 8): 0.6, ("dq", 2): 0.6}
_GAINS = {(PLAIN, 8): 0.4, (PLAIN, 2): 0.7, ("dq", 8): 0.7, ("dq", 2): 0.4}
_EVEN = dict.fromkeys(_LOSES, 0.5)


@pytest.mark.parametrize(
    ("robust", "outcomes"),
    [
        (_LOSES, [*["reproduced"] * 5, "undecided"]),
        (_GAINS, [*["refuted"] * 4, *["undecided"] * 2]),
        (_EVEN, ["undecided"] * 6),
    ],
)
def test_losses_beyond_the_noise_decide(
    robust: Mapping[tuple[str, int], float], outcomes: list[str]
) -> None:
    found = judge_series(_SERIES, _samples(robust), images=1000)
    assert [one.outcome for one in found] == outcomes
    assert all("PGD 26/255" in one.claim for one in found)


def test_the_evidence_has_the_difference() -> None:
    found = judge_series(_SERIES, _samples(_LOSES), images=1000)
    assert found[0].evidence.startswith("difference +30.00 points [")


def test_few_images_decide_nothing() -> None:
    found = judge_series(_SERIES, _samples(_LOSES), images=5)
    assert {one.outcome for one in found} == {"undecided"}


def test_the_judged_strength_depends_on_the_plain_network_of_most_bits() -> None:
    assert judged_epsilon(_SERIES, _samples({**_EVEN, (PLAIN, 8): 0.94})) == 26
    assert judged_epsilon(_SERIES, _samples({**_EVEN, (PLAIN, 8): 0.0})) == 8


@pytest.mark.parametrize(
    ("last", "outcomes"),
    [
        (0.4, ["reproduced"] * 3),
        (0.02, ["refuted"] * 3),
        (0.1, ["undecided"] * 3),
    ],
)
def test_growth_of_errors_decides(last: float, outcomes: list[str]) -> None:
    found = judge_depth(_SERIES, _samples(_EVEN, last))
    assert [one.outcome for one in found] == outcomes


@pytest.mark.parametrize(
    ("dq", "outcome"), [(0.96, "reproduced"), (0.92, "refuted"), (0.941, "undecided")]
)
def test_clean_accuracies_decide(dq: float, outcome: str) -> None:
    cells = {
        (PLAIN, 2): [0.939, 0.941],
        ("dq", 2): [dq - 0.001, dq + 0.001],
        (PLAIN, 8): [0.98, 0.98],
        ("dq", 8): [0.98, 0.98],
    }
    (found,) = judge_clean(_SERIES, cells, images=10_000)
    assert found.outcome == outcome
    assert "8 bits +0.00 points" in found.evidence


def test_a_contrast_of_two_cells_is_students_interval() -> None:
    first, second = [0.4, 0.5, 0.9], [0.1, 0.3, 0.2]
    found = contrast({"a": first, "b": second}, {"a": 1, "b": -1}, images=None)
    expected = ttest_ind(first, second).confidence_interval()
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_unpooled_it_is_welchs_interval() -> None:
    first, second = [0.4, 0.5, 0.9], [0.21, 0.2, 0.22]
    cells = {"a": first, "b": second, "far": [0.0, 1.0]}
    found = unpooled(cells, {"a": 1, "b": -1}, images=None)
    expected = ttest_ind(first, second, equal_var=False).confidence_interval()
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_seeds_that_agree_leave_the_noise_of_the_images() -> None:
    found = contrast({"a": [0.5, 0.5]}, {"a": 1}, images=100)
    assert found.high - 0.5 == pytest.approx(1.96 * (0.25 / 200) ** 0.5, rel=1e-3)


def test_values_that_share_a_network_are_compared_in_pairs() -> None:
    first, second = [0.4, 0.5, 0.9], [0.3, 0.35, 0.7]
    cells = {"a": first, "b": second, "other": [0.0, 1.0, 0.0]}
    found = contrast(cells, {"a": 1, "b": -1}, images=None, block=lambda cell: cell == "other")
    expected = ttest_rel(first, second).confidence_interval()
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_one_seed_of_what_is_no_accuracy_decides_nothing() -> None:
    assert contrast({"a": [0.5]}, {"a": 1}, images=None).is_positive == "undecided"


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    folder: Path = tmp_path_factory.mktemp("trainings")
    scale = Scale(train_images=200, epochs=1, images=20)
    return Study(bars_dataset(noise=60, light=120), scale, folder, "tfc")


_TOY = (Series(name="standard", objective="standard", epsilon_255=0, bits=(2, 8), seeds=1),)


@pytest.fixture(scope="module")
def findings(study: Study) -> Findings:
    return DefensiveBits(series=_TOY).run(study)


def test_every_network_of_the_series_is_a_row(findings: Findings) -> None:
    assert [(row["control"], row["bits"]) for row in findings.rows] == [
        (PLAIN, 2), ("dq", 2), (PLAIN, 8), ("dq", 8),
    ]  # fmt: skip
    assert {f"robust_{epsilon}" for epsilon in EPSILONS} < set(findings.rows[0])
    assert {"clean", "error_image", "error_1", "error_logits"} < set(findings.rows[0])


def test_stronger_attacks_and_the_image_itself_are_measured(findings: Findings) -> None:
    for row in findings.rows:
        robust = [row[f"robust_{epsilon}"] for epsilon in EPSILONS]
        assert all(isinstance(value, float) for value in robust)
        assert robust[0] >= robust[-1]  # type: ignore[operator]
        assert 0 < row["error_image"] < 0.5  # type: ignore[operator]


def test_there_is_a_curve_for_each_control(findings: Findings) -> None:
    bits, depth, strength = findings.panels
    assert [curve.label for curve in bits.curves] == ["plain", "DQ"]
    assert [curve.x for curve in bits.curves] == [(2.0, 8.0)] * 2
    assert len(depth.curves) == len(strength.curves) == 4
    assert depth.curves[0].y[0] == pytest.approx(1)
    assert depth.ticks is not None
    assert len(depth.ticks) == len(depth.curves[0].y)


def test_clean_accuracies_become_rows_and_curves_of_errors() -> None:
    cells = {(PLAIN, 2): [0.9], ("dq", 2): [0.949, 0.951], (PLAIN, 8): [0.98], ("dq", 8): [0.98]}
    found = clean_findings(_TOY, {"standard": cells}, images=10_000)
    assert [(row["bits"], row["clean_dq"]) for row in found.rows] == [
        (2, pytest.approx(0.95)),
        (8, 0.98),
    ]
    assert found.rows[0]["gain"] == pytest.approx(0.05)
    plain, dq = found.panels[0].curves
    assert plain.y == pytest.approx((10, 2))
    assert dq.low is not None
    assert dq.high is not None
    assert (dq.low[0], dq.y[0], dq.high[0]) == pytest.approx((4.9, 5, 5.1))
    assert [one.outcome for one in found.verdicts] == ["reproduced"]


@pytest.mark.parametrize("name", ["dq-bits", "dq-bits-folded", "dq-clean"])
def test_the_command_knows_it(name: str) -> None:
    assert find(name).name == name


_FOLDED_TOY = tuple(replace(one, penalty=DefensiveFoldedBits().series[0].penalty) for one in _TOY)


def test_the_folded_penalty_is_another_training_of_the_same_networks(
    study: Study, findings: Findings
) -> None:
    again = DefensiveFoldedBits(series=_FOLDED_TOY).run(study)
    plain, penalised = findings.rows[0], findings.rows[1]
    assert again.rows[0] == plain
    assert again.rows[1] != penalised
    assert again.rows[1]["control"] == "dq"
