# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What is measured on one network of the experiments on Defensive Quantization."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from flow.evaluation.amplification import error_amplification
from flow.evaluation.evaluator import Evaluation
from flow.experiments._defensive import Series, network
from flow.experiments.base import Row
from flow.experiments.study import Study
from flow.experiments.trained import Trained
from flow.integer.operations import Threshold

__all__ = ["EPSILONS", "Cells", "Sample", "grouped", "measured", "robust_at"]

EPSILONS = (8, 16, 26, 51)  # of 255: 51 is 0.2
_STEPS = 20

Cells = dict[tuple[str, int], list[float]]  # control, bits -> a value for each seed


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One network.

    Attributes:
        series: how it was trained.
        control: with which penalty.
        bits: of weights and activations.
        clean: accuracy on the whole test set.
        robust: epsilon in uint8 units -> accuracy under PGD on the first test images.
        depth: relative l2 error that the weakest attack leaves in the image, behind each
            quantized activation, and in the logits; mean over the images classified right before.
    """

    series: str
    control: str
    bits: int
    seed: int
    clean: float
    robust: Mapping[int, float]
    depth: tuple[float, ...]

    def row(self) -> Row:
        """Return it flat."""
        names = ["image", *(str(layer) for layer in range(1, len(self.depth) - 1)), "logits"]
        return {
            "training": self.series,
            "control": self.control,
            "bits": self.bits,
            "seed": self.seed,
            "clean": self.clean,
            **{f"robust_{epsilon}": value for epsilon, value in self.robust.items()},
            **{f"error_{name}": value for name, value in zip(names, self.depth, strict=True)},
        }


def measured(study: Study, series: Series, control: str, bits: int, seed: int) -> Sample:
    """Train and attack one network; see _defensive.network."""
    trained = network(study, series, control, bits, seed)
    attacked = {
        epsilon: study.attack(trained, "pgd", epsilon, steps=_STEPS) for epsilon in EPSILONS
    }
    return Sample(
        series=series.name,
        control=control,
        bits=bits,
        seed=study.scale.seed + seed,
        clean=study.clean(trained),
        robust={epsilon: found.row.accuracy for epsilon, found in attacked.items()},
        depth=_depth(study, trained, attacked[EPSILONS[0]]),
    )


def grouped(samples: Sequence[Sample], series: str, value: Callable[[Sample], float]) -> Cells:
    """Return a value of each network of a series, by control and bits."""
    cells: Cells = {}
    for sample in samples:
        if sample.series == series:
            cells.setdefault((sample.control, sample.bits), []).append(value(sample))
    return cells


def robust_at(epsilon_255: int) -> Callable[[Sample], float]:
    """Return what reads the accuracy under that attack, for grouped."""
    return lambda sample: sample.robust[epsilon_255]


def _depth(study: Study, trained: Trained, attacked: Evaluation) -> tuple[float, ...]:
    images, _ = study.shown()
    kept = attacked.attacked
    found = error_amplification(
        trained.integer, images[kept], attacked.adversarial[kept], name=trained.label
    )
    inner = {op.name for op in trained.integer.operations if isinstance(op, Threshold)}
    image, *hidden, logits = found
    shown = [image, *(one for one in hidden if one.layer in inner), logits]
    return tuple(one.distance for one in shown)
