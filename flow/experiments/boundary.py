# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Boundary-based retraining of quantized weights against its baselines (Song et al. 2020).

A network of 8 bits, trained without an attack, gets weights of 2 bits and is retrained for the same
number of steps in each way: plainly, on boundary examples, on them through the nonlinear weight
mapping, and by FGSM with a random start, an adversarial training such as the paper compares with.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

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
from flow.experiments.base import Experiment, Findings, Verdict
from flow.experiments.scale import Scale
from flow.experiments.study import Study
from flow.experiments.trained import Trained, Training

__all__ = ["BOUNDARY", "judge"]

_WEIGHT_BITS = 2
_TRAINED_AT = 51  # of 255: 0.2
_EPSILONS = (8, 16, 26, 38, 51)
_ATTACKS = {"pgd": _EPSILONS, "square": (26,)}
_MU = 5.0  # curvature of the mapping
_BEFORE, _QUANTIZED, _PLAIN = "8 bits", "quantized", "plain"
_BOUNDARY, _MAPPED, _FGSM = "boundary", "boundary, mapped", "FGSM training"


@dataclass(frozen=True)
class BoundaryRetraining(Experiment):
    """Quantizes the weights, retrains in four ways and attacks, with gradients and without.

    Attributes:
        seeds: how many of each training.
        scanned: training images tried for boundary examples after each epoch.
    """

    seeds: int = 2
    scanned: int = 500

    name: ClassVar[str] = "boundary"
    title: ClassVar[str] = "Boundary-based retraining of quantized weights against its baselines"
    source: ClassVar[str] = "Song, Fallon and Li 2020, arXiv 2012.14965"
    scale: ClassVar[Scale] = Scale(train_images=2000, epochs=6, images=300)

    def run(self, study: Study) -> Findings:
        """Return a row for each network."""
        samples = [
            sample
            for seed in range(self.seeds)
            for sample in self._retrained(study, study.scale.seed + seed)
        ]
        images = study.scale.images
        names = [_BEFORE, _QUANTIZED, _PLAIN, _BOUNDARY, _MAPPED, _FGSM]
        panel = against_strength(samples, "pgd", "attacked by PGD-20", images, names)
        black_box = against_strength(samples, "square", "attacked by Square", images, names)
        return Findings(
            rows=tuple(sample.row() for sample in samples),
            panels=(panel, black_box),
            verdicts=tuple(judge(samples, images, len(study.dataset.test_labels))),
        )

    def _retrained(self, study: Study, seed: int) -> list[Measured]:
        settings = study.settings(_WEIGHT_BITS, 8)
        before = study.train(f"{_BEFORE} seed {seed}", study.settings(8, 8), Training(seed=seed))
        start = study.requantized(f"{_QUANTIZED} seed {seed}", before, settings)
        found = {
            name: study.train(f"{name} seed {seed}", settings, way)
            for name, way in _ways(start, seed, self.scanned).items()
        }
        networks = {_BEFORE: before, _QUANTIZED: start, **found}
        return [
            measured(study, trained, _ATTACKS, method=name, seed=seed)
            for name, trained in networks.items()
        ]


def _ways(start: Trained, seed: int, scanned: int) -> dict[str, Training]:
    def training(objective: str, **options: float) -> Training:
        return Training(
            objective=objective,
            options=options,
            epsilon_255=_TRAINED_AT,
            initial=start,
            seed=seed,
        )

    return {
        _PLAIN: training("standard"),
        _BOUNDARY: training("boundary", scanned=scanned),
        _MAPPED: training("boundary", scanned=scanned, mapping_mu=_MU),
        _FGSM: training("fgsm"),
    }


def judge(samples: Sequence[Measured], images: int, tested: int) -> list[Verdict]:
    """Judge both losses after retraining, at a strength chosen by plain retraining alone.

    Clean accuracies are of `tested` images.
    """
    epsilon = judged_epsilon(samples, "pgd", _PLAIN)
    natural, robust = grouped(samples, clean), grouped(samples, at("pgd", epsilon))
    black_box = grouped(samples, at("square", _ATTACKS["square"][0]))
    white = f"PGD {epsilon}/255"
    claims = (
        ("clean: boundary retraining wins back what quantization took", natural,
         _BOUNDARY, _QUANTIZED, tested),
        ("clean: it wins back more than plain retraining", natural, _BOUNDARY, _PLAIN, tested),
        (f"{white}: it is more robust than plain retraining", robust, _BOUNDARY, _PLAIN, images),
        (f"Square {_ATTACKS['square'][0]}/255: it is more robust than plain retraining",
         black_box, _BOUNDARY, _PLAIN, images),
        (f"{white}: the nonlinear mapping adds to it", robust, _MAPPED, _BOUNDARY, images),
        (f"{white}: it is more robust than FGSM training", robust, _BOUNDARY, _FGSM, images),
    )  # fmt: skip
    return [gains(*claim) for claim in claims]


BOUNDARY = BoundaryRetraining()
