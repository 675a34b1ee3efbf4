# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Feedback learning against retraining without it (Song, Wang and Li, ICMLA 2019).

A network trained without an attack is retrained for the same number of steps in each way: plainly,
on examples generated from all classes alike, and on examples of which close classes get more. Each
of the last two has as many clean images in a step as plain retraining, and as many examples.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from typing import ClassVar

import torch

from flow.experiments._contrast import contrast
from flow.experiments._strengths import (
    Measured,
    against_strength,
    at,
    clean,
    gains,
    grouped,
    judged_epsilon,
    measured,
)
from flow.experiments.base import Curve, Experiment, Findings, Panel, Verdict
from flow.experiments.scale import Scale
from flow.experiments.study import Study
from flow.experiments.trained import Trained, Training
from flow.objectives import Model, TrainingSet
from flow.objectives.feedback import Feedback, FeedbackSettings
from flow.training.freezing import freeze_of

__all__ = ["FEEDBACK", "judge"]

_BITS = 4
_TRAINED_AT = 51  # of 255: 0.2
_EPSILONS = (8, 16, 26, 38, 51)
_BEFORE, _PLAIN, _ALIKE, _FEEDBACK = "before", "plain", "classes alike", "feedback"
_MEASURED_IMAGES = 40  # of each class, to tell its distance from the boundary


@dataclass(frozen=True)
class FeedbackLearning(Experiment):
    """Retrains in three ways and attacks; measures the classes' distances from the boundary.

    Attributes:
        seeds: how many of each training.
    """

    seeds: int = 2

    name: ClassVar[str] = "feedback"
    title: ClassVar[str] = "Feedback learning against retraining without it"
    source: ClassVar[str] = "Song, Wang and Li, ICMLA 2019"
    scale: ClassVar[Scale] = Scale(train_images=2000, epochs=6, images=300)

    def run(self, study: Study) -> Findings:
        """Return a row for each network."""
        samples = [
            sample
            for seed in range(self.seeds)
            for sample in _retrained(study, study.scale.seed + seed)
        ]
        images, names = study.scale.images, [_BEFORE, _PLAIN, _ALIKE, _FEEDBACK]
        return Findings(
            rows=tuple(sample.row() for sample in samples),
            panels=(
                against_strength(samples, "pgd", "attacked by PGD-20", images, names),
                against_strength(samples, "fgsm", "attacked by FGSM", images, names),
                _class_panel(samples, names, study.dataset.classes),
            ),
            verdicts=tuple(judge(samples, images, len(study.dataset.test_labels))),
        )


def _retrained(study: Study, seed: int) -> list[Measured]:
    settings = study.settings(_BITS, _BITS)
    before = study.train(f"{_BEFORE} seed {seed}", settings, Training(seed=seed))
    ways = {
        _PLAIN: Training(initial=before, seed=seed),
        _ALIKE: _generating(before, seed, sharpness=0.0),
        _FEEDBACK: _generating(before, seed, sharpness=1.0),
    }
    found = {name: study.train(f"{name} seed {seed}", settings, way) for name, way in ways.items()}
    attacks = {"pgd": _EPSILONS, "fgsm": _EPSILONS}
    return [
        measured(
            study,
            trained,
            attacks,
            method=name,
            seed=seed,
            extra=_distances(study, trained, seed),
        )
        for name, trained in {_BEFORE: before, **found}.items()
    ]


def _generating(before: Trained, seed: int, *, sharpness: float) -> Training:
    return Training(
        objective="feedback",
        options={"sharpness": sharpness},
        epsilon_255=_TRAINED_AT,
        initial=before,
        seed=seed,
    )


def _distances(study: Study, trained: Trained, seed: int) -> dict[str, float]:
    """Return the mean distance of each class from the boundary on test images, in uint8 units."""
    images = torch.from_numpy(study.dataset.test_images).permute(0, 3, 1, 2)
    labels = torch.from_numpy(study.dataset.test_labels)
    objective = Feedback(FeedbackSettings(images_per_class=_MEASURED_IMAGES))
    objective.end_epoch(
        Model(trained.network, freeze=freeze_of(trained.network)),
        TrainingSet(images=images, labels=labels, classes=study.dataset.classes),
        float(_TRAINED_AT),
        torch.Generator().manual_seed(seed),
    )
    return {f"distance_{label}": float(one) for label, one in enumerate(objective.distances)}


def judge(samples: Sequence[Measured], images: int, tested: int) -> list[Verdict]:
    """Judge accuracy, robust accuracy at one strength, and how unequal the classes are.

    The strength is chosen by plain retraining alone; see judged_epsilon. Clean accuracies are of
    `tested` images.
    """
    epsilon = judged_epsilon(samples, "pgd", _PLAIN)
    robust, spread = grouped(samples, at("pgd", epsilon)), grouped(samples, _inequality)
    attacked, natural = f"under PGD {epsilon}/255", grouped(samples, clean)
    return [
        gains("clean accuracy gains by feedback", natural, _FEEDBACK, _PLAIN, tested),
        gains(f"accuracy {attacked} gains by feedback", robust, _FEEDBACK, _PLAIN, images),
        gains(f"{attacked} the classes' shares gain", robust, _FEEDBACK, _ALIKE, images),
        _judge_inequality(spread),
    ]


def _judge_inequality(spread: dict[str, list[float]]) -> Verdict:
    less = contrast(spread, {_ALIKE: 1.0, _FEEDBACK: -1.0}, images=None)
    before = contrast(spread, {_BEFORE: 1.0}, images=None)
    return Verdict(
        claim="the classes' shares make their distances from the boundary less unequal",
        outcome=less.is_positive,
        evidence=f"the farthest class is 2^{before.estimate:.2f} times as far as the closest "
        f"before; feedback makes that 2^{less.estimate:.2f} [2^{less.low:.2f}, 2^{less.high:.2f}] "
        f"times less than {_ALIKE}",
    )


def _inequality(sample: Measured) -> float:
    """Return the binary logarithm of the farthest class's distance over the closest one's.

    No class counts as closer than a uint8 unit: there are no images between.
    """
    found = [max(one, 1.0) for one in _class_distances(sample)]
    return log(max(found) / min(found), 2)


def _class_distances(sample: Measured) -> list[float]:
    return list(sample.extra.values())


def _class_panel(samples: Sequence[Measured], names: Sequence[str], classes: int) -> Panel:
    curves = []
    for name in names:
        rows = [_class_distances(sample) for sample in samples if sample.method == name]
        means = tuple(sum(column) / len(rows) for column in zip(*rows, strict=True))
        curves.append(Curve(label=name, x=tuple(map(float, range(classes))), y=means))
    return Panel(
        title="distance of the classes from the boundary",
        x_label="class",
        y_label="distance, 1/255",
        curves=tuple(curves),
        ticks=tuple(str(label) for label in range(classes)),
        percent=False,
    )


FEEDBACK = FeedbackLearning()
