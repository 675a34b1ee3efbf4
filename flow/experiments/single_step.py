# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Adversarial training on a single step against training on PGD (Wong, Rice and Kolter 2020).

FGSM from the image itself is known to overfit to its own step: the network withstands FGSM and
falls to PGD. From a random start it is said to hold, for a fraction of what PGD costs.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from flow.experiments._contrast import contrast
from flow.experiments._strengths import (
    Measured,
    against_strength,
    at,
    gains,
    grouped,
    judged_epsilon,
    measured,
)
from flow.experiments.base import Experiment, Findings, Verdict
from flow.experiments.scale import Scale
from flow.experiments.study import Study
from flow.experiments.trained import Training

__all__ = ["SINGLE_STEP", "judge"]

_BITS = 4
_TRAINED_AT = 51  # of 255: 0.2
_EPSILONS = (8, 16, 26, 38, 51)
_ATTACKS = {"fgsm": _EPSILONS, "pgd": _EPSILONS}
_FGSM, _STARTED, _PGD = "FGSM", "FGSM, random start", "PGD"
_TRAININGS = {
    _FGSM: Training(
        objective="fgsm",
        options={"relative_step": 1.0, "random_start": False},
        epsilon_255=_TRAINED_AT,
    ),
    _STARTED: Training(objective="fgsm", epsilon_255=_TRAINED_AT),
    _PGD: Training(objective="pgd", epsilon_255=_TRAINED_AT),
}


@dataclass(frozen=True)
class SingleStep(Experiment):
    """Trains in three ways, attacks with one step and with 20, and times the trainings.

    Attributes:
        seeds: how many of each training.
    """

    seeds: int = 2

    name: ClassVar[str] = "single-step"
    title: ClassVar[str] = "Adversarial training on a single step against training on PGD"
    source: ClassVar[str] = "Wong, Rice and Kolter 2020, arXiv 2001.03994"
    scale: ClassVar[Scale] = Scale(train_images=2000, epochs=6, images=300)

    def run(self, study: Study) -> Findings:
        """Return a row for each network."""
        samples = [
            _sample(study, method, study.scale.seed + seed)
            for method in _TRAININGS
            for seed in range(self.seeds)
        ]
        images, names = study.scale.images, list(_TRAININGS)
        return Findings(
            rows=tuple(sample.row() for sample in samples),
            panels=(
                against_strength(samples, "fgsm", "attacked by FGSM", images, names),
                against_strength(samples, "pgd", "attacked by PGD-20", images, names),
            ),
            verdicts=tuple(judge(samples, images)),
        )


def _sample(study: Study, method: str, seed: int) -> Measured:
    training = replace(_TRAININGS[method], seed=seed)
    trained = study.train(f"{method} seed {seed}", study.settings(_BITS, _BITS), training)
    seconds = trained.result.seconds if trained.result else 0.0
    extra = {"training_s": round(seconds, 1)}
    return measured(study, trained, _ATTACKS, method=method, seed=seed, extra=extra)


def judge(samples: Sequence[Measured], images: int) -> list[Verdict]:
    """Judge the trainings at the strength at which PGD training is nearest to half right."""
    epsilon = judged_epsilon(samples, "pgd", _PGD)
    robust = grouped(samples, at("pgd", epsilon))
    shown = grouped(samples, lambda one: at("fgsm", epsilon)(one) - at("pgd", epsilon)(one))
    hidden = contrast(shown, {_FGSM: 1.0, _PGD: -1.0}, images=None)
    attacked = f"PGD {epsilon}/255"
    return [
        gains(f"{attacked}: a random start helps FGSM training", robust, _STARTED, _FGSM, images),
        gains(f"{attacked}: PGD training holds more than it", robust, _PGD, _STARTED, images),
        Verdict(
            claim=f"FGSM {epsilon}/255 leaves more than PGD does, without the start most",
            outcome=hidden.is_positive,
            evidence=f"{hidden.points()}, of the difference, {_FGSM} against {_PGD}",
        ),
    ]


SINGLE_STEP = SingleStep()
