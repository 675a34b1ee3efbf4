# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from flow.experiments._defensive import PLAIN, Series, network
from flow.experiments._layerwise_choice import Candidates
from flow.experiments._layerwise_sample import (
    LAYERWISE,
    UNIFORM,
    WEAK,
    Cells,
    Plan,
    Sample,
    Subject,
)
from flow.experiments.base import Findings
from flow.experiments.layerwise import bits_findings, judge_choice, judge_loss
from flow.experiments.registry import find
from flow.experiments.scale import Scale
from flow.experiments.study import Study
from tests.flow.bar_images import bars_dataset

_PLAN = Plan(
    plain=Series(name="standard", objective="standard", epsilon_255=0, bits=(8,), seeds=1),
    adversarial=Series(name="fgsm", objective="fgsm", epsilon_255=26, bits=(8,), seeds=1),
    budgets=(2, 3),
)


def _cells(standard: float, uniform: float, layerwise: float) -> Cells:
    """Two seeds each; all have 90% with 8 bits."""
    places = {
        ("standard", UNIFORM, 8, False): 0.9,
        ("fgsm", UNIFORM, 8, False): 0.9,
        **{("standard", UNIFORM, bits, False): standard for bits in _PLAN.budgets},
        **{("fgsm", UNIFORM, bits, False): uniform for bits in _PLAN.budgets},
        **{("fgsm", LAYERWISE, bits, False): layerwise for bits in _PLAN.budgets},
    }
    return {place: [value - 0.005, value + 0.005] for place, value in places.items()}


@pytest.mark.parametrize(
    ("standard", "uniform", "outcome"),
    [(0.85, 0.6, "reproduced"), (0.6, 0.85, "refuted"), (0.6, 0.6, "undecided")],
)
def test_the_larger_loss_decides(standard: float, uniform: float, outcome: str) -> None:
    found = judge_loss(_PLAN, "accuracy", _cells(standard, uniform, 0.5), 1000, tuned=False)
    assert found.outcome == outcome
    assert f"fgsm {90 - 100 * uniform:.2f}, standard {90 - 100 * standard:.2f}" in found.evidence


@pytest.mark.parametrize(
    ("layerwise", "outcome"), [(0.8, "reproduced"), (0.4, "refuted"), (0.605, "undecided")]
)
def test_the_better_choice_decides(layerwise: float, outcome: str) -> None:
    found = judge_choice(_PLAN, "accuracy", _cells(0.8, 0.6, layerwise), 1000, tuned=False)
    assert found.outcome == outcome
    assert f"2 bits {100 * (layerwise - 0.6):+.2f} points" in found.evidence


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    folder: Path = tmp_path_factory.mktemp("trainings")
    scale = Scale(train_images=300, epochs=1, images=20)
    return Study(bars_dataset(noise=60, light=120), scale, folder, "tfc")


@pytest.fixture(scope="module")
def candidates(study: Study) -> Candidates:
    return Candidates.of(study, network(study, _PLAN.plain, PLAIN, 8, 0))


def _bits(candidates: Candidates, choice: Callable[[int], dict], budget: int) -> int:  # type: ignore[type-arg]
    sizes = {name: layer.weight.numel() for name, layer in candidates.network.layers().items()}
    return sum(sizes[name] * one.precision.weight_bits for name, one in choice(budget).items())


@pytest.mark.parametrize("budget", [2, 3, 4])
def test_a_choice_by_layer_costs_no_more_and_scores_no_worse(
    candidates: Candidates, budget: int
) -> None:
    assert _bits(candidates, candidates.layerwise, budget) <= budget * candidates.weights
    scores = [
        sum(one.score for one in choice(budget).values())
        for choice in (candidates.layerwise, candidates.uniform)
    ]
    assert scores[0] <= scores[1]


def test_weights_are_quantized_in_the_range_of_least_error(candidates: Candidates) -> None:
    chosen = candidates.uniform(3)
    quantized = candidates.quantized("3 bits", chosen)
    for name, layer in quantized.network.layers().items():
        before = candidates.network.layers()[name].weight.detach()
        allowed = chosen[name].weight_range * float(before.abs().max())
        values = layer.quant_weight().value.detach()
        codes = values / layer.quant_weight().scale.detach()
        assert float(values.abs().max()) == pytest.approx(allowed, rel=1e-5)
        assert float(codes.abs().max()) == pytest.approx(3, abs=1e-3)


def test_more_bits_leave_the_weights_nearer(candidates: Candidates) -> None:
    errors = []
    for bits in (1, 2, 4, 8):
        network_of = candidates.quantized(f"{bits} bits", candidates.uniform(bits)).network
        pairs = zip(network_of.layers().values(), candidates.network.layers().values(), strict=True)
        errors.append(sum(_distance(one.weight, other.weight) for one, other in pairs))
    assert errors == sorted(errors, reverse=True)


def _distance(quantized: torch.Tensor, weight: torch.Tensor) -> float:
    """Return the squared distance of magnitudes: the exact form may have changed signs."""
    return float((quantized.abs() - weight.abs()).square().sum().detach())


def test_a_choice_is_measured_before_and_after_training(study: Study) -> None:
    subject = Subject(study, _PLAN, _PLAN.adversarial, 0)
    chosen = subject.candidates.layerwise(3)
    before, after = subject.quantized(chosen, LAYERWISE, 3)
    assert (before.tuned, after.tuned) == (False, True)
    assert before.widths == after.widths
    assert (
        before.bits == _bits(subject.candidates, lambda _: chosen, 3) / subject.candidates.weights
    )
    assert set(before.robust) == {WEAK, 26}
    assert (before.clean, before.robust) != (after.clean, after.robust)


def _sample(training: str, choice: str, budget: int, *, tuned: bool) -> Sample:
    width = {LAYERWISE: 1, UNIFORM: 0}[choice]
    return Sample(
        training=training, choice=choice, budget=budget, tuned=tuned, seed=0,
        widths={"conv": budget + width, "fc": budget}, bits=budget,
        clean=0.8 + budget / 100, robust={8: 0.7 + budget / 100, 26: 0.5 + width / 10},
    )  # fmt: skip


@pytest.fixture(scope="module")
def findings() -> Findings:
    full = [_sample(name, UNIFORM, 8, tuned=False) for name in ("standard", "fgsm")]
    rest = [
        _sample(name, choice, budget, tuned=tuned)
        for name, choice in (("standard", UNIFORM), ("fgsm", UNIFORM), ("fgsm", LAYERWISE))
        for budget in _PLAN.budgets
        for tuned in (False, True)
    ]
    return bits_findings(_PLAN, [*full, *rest], 10_000, 500)


def test_every_network_is_a_row(findings: Findings) -> None:
    assert len(findings.rows) == 14
    assert findings.rows[0]["widths"] == "8-8"
    assert {"clean", "robust_8", "robust_26"} < set(findings.rows[0])


def test_curves_end_at_the_full_network(findings: Findings) -> None:
    clean, weak, choice, widths = findings.panels
    assert [curve.x for curve in (*clean.curves, *choice.curves)] == [(2.0, 3.0, 8.0)] * 8
    assert clean.curves[0].y == pytest.approx((0.82, 0.83, 0.88))
    assert weak.curves[0].y == pytest.approx((0.72, 0.73, 0.78))
    assert choice.curves[2].y[:2] == pytest.approx((0.6, 0.6))
    assert [curve.y for curve in widths.curves] == [(3.0, 2.0), (4.0, 3.0)]
    assert widths.ticks == ("conv", "fc")


def test_each_claim_has_a_verdict_with_and_without_training(findings: Findings) -> None:
    outcomes = [one.outcome for one in findings.verdicts]
    assert outcomes == ["undecided", "undecided", "reproduced", "undecided"] * 2


def test_the_command_knows_it() -> None:
    assert find("layerwise").name == "layerwise"
