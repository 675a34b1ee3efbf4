# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Quantization of adversarially trained networks, with uniform and with layer-wise widths.

After Song, Ranjan and Li (arXiv:2110.12308), of which only the abstract was at hand. The networks
are the plainly quantized ones of dq-bits with 8 bits; their weights then get fewer bits, without a
step and with an epoch of training, while activations keep 8. The uniform width is the best one of
its budget: budgets are whole bits a weight, and a smaller width costs less.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import ClassVar

from flow.experiments._contrast import contrast
from flow.experiments._layerwise_panels import choices, losses, widths
from flow.experiments._layerwise_sample import (
    LAYERWISE,
    UNIFORM,
    WEAK,
    Cell,
    Cells,
    Plan,
    Sample,
    by_cell,
    samples,
)
from flow.experiments.base import Experiment, Findings, Verdict
from flow.experiments.defensive_bits import DEFENSIVE_BITS
from flow.experiments.scale import Scale
from flow.experiments.study import Study

__all__ = ["LAYERWISE_BITS", "LayerwiseBits", "bits_findings", "judge_choice", "judge_loss"]

_WHEN = {False: "without training", True: "after an epoch of training"}


@dataclass(frozen=True)
class LayerwiseBits(Experiment):
    """Takes bits from trained networks in two ways."""

    name: ClassVar[str] = "layerwise"
    title: ClassVar[str] = "Bits for adversarially trained networks: uniform and layer by layer"
    source: ClassVar[str] = "Song, Ranjan and Li, arXiv:2110.12308"
    scale: ClassVar[Scale] = DEFENSIVE_BITS.scale

    plan: Plan = field(default_factory=Plan)

    def run(self, study: Study) -> Findings:
        """Return a row for each network."""
        found = list(samples(study, self.plan))
        return bits_findings(self.plan, found, len(study.dataset.test_labels), study.scale.images)


def bits_findings(plan: Plan, found: Sequence[Sample], tests: int, shown: int) -> Findings:
    """Return what the networks show, measured on so many test images, so many of them attacked."""
    clean = by_cell(found, lambda one: one.clean)
    weak = by_cell(found, lambda one: one.robust[WEAK])
    strong = by_cell(found, lambda one: one.robust[plan.strong])
    attacks = [f"accuracy under PGD {epsilon}/255" for epsilon in (WEAK, plan.strong)]
    verdicts = [
        verdict
        for tuned in _WHEN
        for verdict in (
            judge_loss(plan, "clean accuracy", clean, tests, tuned=tuned),
            judge_loss(plan, attacks[0], weak, shown, tuned=tuned),
            judge_choice(plan, attacks[1], strong, shown, tuned=tuned),
            judge_choice(plan, "clean accuracy", clean, tests, tuned=tuned),
        )
    ]
    panels = (
        losses(plan, "uniform widths: clean", clean),
        losses(plan, f"uniform widths: PGD {WEAK}/255", weak),
        choices(plan, f"{plan.adversarial.name}-trained: PGD {plan.strong}/255", strong),
        widths(plan, found),
    )
    rows = tuple(one.row() for one in found)
    return Findings(rows=rows, panels=panels, verdicts=tuple(verdicts))


def judge_loss(plan: Plan, what: str, cells: Cells, images: int, *, tuned: bool) -> Verdict:
    """Judge whether the adversarially trained lose more, on average over the budgets."""
    weights: dict[Cell, float] = {}
    names = plan.adversarial.name, plan.plain.name
    for name, sign in zip(names, (1.0, -1.0), strict=True):
        weights[name, UNIFORM, plan.full, False] = sign
        for bits in plan.budgets:
            weights[name, UNIFORM, bits, tuned] = -sign / len(plan.budgets)
    found = contrast(cells, weights, images=images, block=_trained)
    each = ", ".join(f"{name} {_lost(plan, cells, name, tuned=tuned):.2f}" for name in names)
    return Verdict(
        claim=f"quantized {_WHEN[tuned]}, adversarially trained networks lose more {what}",
        outcome=found.is_positive,
        evidence=f"lost more {found.points()} on average over widths; lost: {each}",
    )


def judge_choice(plan: Plan, what: str, cells: Cells, images: int, *, tuned: bool) -> Verdict:
    """Judge whether the layer-wise choice beats the uniform one, on average over the budgets."""
    weights: dict[Cell, float] = {}
    each = []
    for bits in plan.budgets:
        own: dict[Cell, float] = {
            (plan.adversarial.name, LAYERWISE, bits, tuned): 1.0,
            (plan.adversarial.name, UNIFORM, bits, tuned): -1.0,
        }
        weights |= {cell: weight / len(plan.budgets) for cell, weight in own.items()}
        each.append(f"{bits} bits {contrast(cells, own, images=images, block=_trained).points()}")
    found = contrast(cells, weights, images=images, block=_trained)
    return Verdict(
        claim=f"{_WHEN[tuned]}, layer-wise bits beat the best uniform width in {what}",
        outcome=found.is_positive,
        evidence=f"{found.points()} on average; " + ", ".join(each),
    )


def _trained(cell: Cell) -> str:
    """Return the training, whose networks of one seed all come from that of most bits."""
    return cell[0]


def _lost(plan: Plan, cells: Cells, name: str, *, tuned: bool) -> float:
    """Return percentage points, mean over budgets and seeds."""
    after = fmean(fmean(cells[name, UNIFORM, bits, tuned]) for bits in plan.budgets)
    return 100 * (fmean(cells[name, UNIFORM, plan.full, False]) - after)


LAYERWISE_BITS = LayerwiseBits()
