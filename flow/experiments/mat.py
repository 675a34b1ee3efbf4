# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Multi-strength adversarial training against single strengths (Song et al. 2017).

The paper's attack is FGSM without a random start, in training and in its figures; here the same
networks also face PGD. MAT trains at 0, 1/3, 2/3 and all of 76/255, the single strengths are the
last three. Every training takes the same number of steps.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import log
from statistics import fmean
from typing import ClassVar

from flow.experiments._contrast import contrast
from flow.experiments._mat_cost import StepCost, step_costs
from flow.experiments._strengths import Measured, against_strength, at, grouped, measured, over
from flow.experiments.base import Curve, Experiment, Findings, Outcome, Panel, Verdict
from flow.experiments.scale import Scale
from flow.experiments.study import Study
from flow.experiments.trained import Training

__all__ = ["MAT", "judge_cost", "judge_range", "judge_zones"]

_STRONGEST = 76
_SINGLE = (25, 51, _STRONGEST)  # of 255; MAT has a clean branch, too
_BRANCHES = 4  # strengths of MAT
_MIXED, _PARALLEL = "MAT mixed", "MAT parallel"
_BITS = 4
_EPSILONS = (13, 25, 38, 51, 64, _STRONGEST)
_ATTACKS = {"fgsm": _EPSILONS, "pgd": _EPSILONS}


def _single(epsilon_255: int) -> str:
    return f"FGSM {epsilon_255}/255"


def _trainings() -> dict[str, Training]:
    plain = {"relative_step": 1.0, "random_start": False}
    single = {
        _single(one): Training(objective="fgsm", options=plain, epsilon_255=one) for one in _SINGLE
    }
    return {
        **single,
        _MIXED: Training(objective="mat_mixed", epsilon_255=_STRONGEST),
        _PARALLEL: Training(objective="mat_parallel", epsilon_255=_STRONGEST),
    }


@dataclass(frozen=True)
class Mat(Experiment):
    """Trains with one strength and with several, attacks at a range, measures a step's cost.

    Attributes:
        seeds: how many of each training.
    """

    seeds: int = 2

    name: ClassVar[str] = "mat"
    title: ClassVar[str] = "Multi-strength adversarial training against single strengths"
    source: ClassVar[str] = "Song et al. 2017, arXiv 1705.09764"
    scale: ClassVar[Scale] = Scale(train_images=2000, epochs=6, images=300)

    def run(self, study: Study) -> Findings:
        """Return a row for each network, with the cost of a step of its training."""
        trainings, images = _trainings(), study.scale.images
        costs = step_costs(study, _BITS, trainings)
        samples = [
            _sample(study, name, training, study.scale.seed + seed, costs[name])
            for name, training in trainings.items()
            for seed in range(self.seeds)
        ]
        names = list(trainings)
        return Findings(
            rows=tuple(sample.row() for sample in samples),
            panels=(
                against_strength(samples, "fgsm", "attacked by FGSM", images, names),
                against_strength(samples, "pgd", "attacked by PGD-20", images, names),
                *_cost_panels(costs),
            ),
            verdicts=(
                judge_zones(samples, images),
                *(judge_range(samples, attack, images) for attack in _ATTACKS),
                *judge_cost(costs[_MIXED], costs[_PARALLEL]),
            ),
        )


def _sample(study: Study, name: str, training: Training, seed: int, cost: StepCost) -> Measured:
    settings = study.settings(_BITS, _BITS)
    trained = study.train(f"{name} seed {seed}", settings, replace(training, seed=seed))
    extra = {"step_ms": cost.milliseconds, "saved_mib": cost.saved_mib}
    return measured(study, trained, _ATTACKS, method=name, seed=seed, extra=extra)


def judge_zones(samples: Sequence[Measured], images: int) -> Verdict:
    """Judge whether each of two strengths of training wins at its own strength of attack."""
    weak, strong = _SINGLE[0], _SINGLE[-1]
    gains = []
    for own, other in ((weak, strong), (strong, weak)):
        cells = grouped(samples, at("fgsm", own))
        gains.append(contrast(cells, {_single(own): 1.0, _single(other): -1.0}, images=images))
    return Verdict(
        claim="each strength of training has a zone of attacks in which it is the better one",
        outcome=_both(gains[0].is_positive, gains[1].is_positive),
        evidence=f"at FGSM {weak}/255 training at {weak} gains {gains[0].points()} over training "
        f"at {strong}; at FGSM {strong}/255 training at {strong} gains {gains[1].points()}",
    )


def _both(first: Outcome, second: Outcome) -> Outcome:
    found = {first, second}
    if found == {"reproduced"}:
        return "reproduced"
    return "refuted" if "refuted" in found else "undecided"


def judge_range(samples: Sequence[Measured], attack: str, images: int) -> Verdict:
    """Judge MAT's mean accuracy over all strengths against the best single strength's.

    The evidence also has what each training lacks where it is worst: what a defender who does not
    know the strength has to reckon with.
    """
    cells = grouped(samples, over(attack))
    best = max(map(_single, _SINGLE), key=lambda name: fmean(cells[name]))
    mixed = contrast(cells, {_MIXED: 1.0, best: -1.0}, images=images)
    parallel = contrast(cells, {_PARALLEL: 1.0, _MIXED: -1.0}, images=images)
    return Verdict(
        claim=f"{attack.upper()}: over all strengths mixed MAT holds more than any single strength",
        outcome=mixed.is_positive,
        evidence=f"mean over {_EPSILONS[0]} to {_EPSILONS[-1]}/255: {mixed.points()} against "
        f"{best}, the best of {len(_SINGLE)}; parallel against mixed {parallel.points()}; where "
        f"each is worst beside the best single strength it lacks {_shortfalls(samples, attack)}",
    )


def _shortfalls(samples: Sequence[Measured], attack: str) -> str:
    """Return, by training, the most points that it lacks on the best single strength."""
    singles = [_single(one) for one in _SINGLE]
    cells = [grouped(samples, at(attack, epsilon)) for epsilon in samples[0].robust[attack]]
    lacks = {
        name: max(max(fmean(one[rival]) for rival in singles) - fmean(one[name]) for one in cells)
        for name in (*singles, _MIXED, _PARALLEL)
    }
    return ", ".join(f"{100 * value:.1f} points ({name})" for name, value in lacks.items())


def judge_cost(mixed: StepCost, parallel: StepCost) -> list[Verdict]:
    """Judge memory of a step, and time for as many attacked images, on one processor."""
    ratio = parallel.saved_mib / mixed.saved_mib
    turns = zip(mixed.seconds, parallel.seconds, strict=True)
    saved = [log(_BRANCHES * one / other, 2) for one, other in turns]
    faster = contrast({"saved": saved}, {"saved": 1.0}, images=None)
    return [
        Verdict(
            claim="mixed MAT needs less memory than parallel",
            outcome="reproduced" if ratio > 1 else "refuted" if ratio < 1 else "undecided",
            evidence=f"backward passes need {mixed.saved_mib:.1f} MiB mixed, "
            f"{parallel.saved_mib:.1f} MiB parallel: {ratio:.2f} times",
        ),
        Verdict(
            claim="parallel MAT needs less time for as many attacked images, on one processor",
            outcome=faster.is_positive,
            evidence=f"mixed needs 2^{faster.estimate:.2f} [2^{faster.low:.2f}, "
            f"2^{faster.high:.2f}] times as long as parallel; a step is {mixed.milliseconds:.0f} "
            f"ms mixed, {parallel.milliseconds:.0f} ms parallel, whose {_BRANCHES} branches run "
            "one after the other here and share a step of the optimiser",
        ),
    ]


def _cost_panels(costs: dict[str, StepCost]) -> list[Panel]:
    figures = {
        "time of a step": ("milliseconds", [one.milliseconds for one in costs.values()]),
        "memory for backward passes": ("MiB", [one.saved_mib for one in costs.values()]),
    }
    places = tuple(float(place) for place in range(len(costs)))
    return [
        Panel(
            title=f"{title}, minibatches of {Training().batch}",
            x_label="training",
            y_label=unit,
            curves=(Curve(label=title, x=places, y=tuple(values)),),
            ticks=tuple(costs),
            percent=False,
        )
        for title, (unit, values) in figures.items()
    ]


MAT = Mat()
