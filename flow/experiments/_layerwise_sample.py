# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The networks of the experiment on layer-wise bits, and what is measured on each."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from brevitas_models.selection import Option
from flow.experiments._defensive import ADVERSARIAL, PLAIN, STANDARD, Series, network
from flow.experiments._layerwise_choice import Candidates
from flow.experiments.base import Row
from flow.experiments.study import Study
from flow.experiments.trained import Trained, Training

__all__ = [
    "LAYERWISE",
    "UNIFORM",
    "WEAK",
    "Cell",
    "Cells",
    "Plan",
    "Sample",
    "Subject",
    "by_cell",
    "samples",
]

WEAK = 8  # epsilon in uint8 units, which networks trained plainly withstand, too
UNIFORM, LAYERWISE = "uniform", "layer-wise"
_TUNING_RATE = 1e-3

Cell = tuple[str, str, int, bool]  # training, choice, bits a weight, fine-tuned
Cells = dict[Cell, list[float]]  # a value for each seed


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Which networks lose bits.

    Attributes:
        plain: trained without attack.
        adversarial: with it; at the same strength they are attacked.
        budgets: bits a weight that are left, rising.
    """

    plain: Series = STANDARD
    adversarial: Series = ADVERSARIAL
    budgets: tuple[int, ...] = (2, 3, 4)

    @property
    def full(self) -> int:
        """Return the bits before."""
        return self.plain.bits[-1]

    @property
    def strong(self) -> int:
        """Return the attack's epsilon in uint8 units."""
        return self.adversarial.epsilon_255


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One network.

    Attributes:
        training: name of the series that it was trained in, with 8 bits.
        choice: how its weights' widths were chosen.
        budget: bits a weight on average, at most.
        tuned: whether an epoch of its training followed in those bits.
        widths: of each layer's weights.
        bits: of a weight, on average.
        robust: epsilon in uint8 units -> accuracy under PGD on the first test images.
    """

    training: str
    choice: str
    budget: int
    tuned: bool
    seed: int
    widths: Mapping[str, int]
    bits: float
    clean: float
    robust: Mapping[int, float]

    def row(self) -> Row:
        """Return it flat."""
        return {
            "training": self.training,
            "choice": self.choice,
            "budget": self.budget,
            "tuned": int(self.tuned),
            "seed": self.seed,
            "bits": self.bits,
            "widths": "-".join(str(width) for width in self.widths.values()),
            "clean": self.clean,
            **{f"robust_{epsilon}": value for epsilon, value in self.robust.items()},
        }


def by_cell(samples: Sequence[Sample], value: Callable[[Sample], float]) -> Cells:
    """Return a value of every network, those of different seeds together."""
    cells: Cells = {}
    for one in samples:
        cells.setdefault((one.training, one.choice, one.budget, one.tuned), []).append(value(one))
    return cells


def samples(study: Study, plan: Plan) -> Iterator[Sample]:
    """Train, quantize to every width and choice, tune, and measure."""
    for series in (plan.plain, plan.adversarial):
        for seed in range(series.seeds):
            yield from Subject(study, plan, series, seed).samples()


class Subject:
    """A network of 8 bits, from which others are made."""

    def __init__(self, study: Study, plan: Plan, series: Series, seed: int) -> None:
        self.study, self.plan, self.series, self.seed = study, plan, series, seed
        self.trained = network(study, series, PLAIN, plan.full, seed)
        self.candidates = Candidates.of(study, self.trained)

    def samples(self) -> Iterator[Sample]:
        """Measure the network, and each choice."""
        full = self.candidates.uniform(self.plan.full)
        yield self._measured(self.trained, full, UNIFORM, self.plan.full, tuned=False)
        for bits in self.plan.budgets:
            yield from self.quantized(self.candidates.uniform(bits), UNIFORM, bits)
            if self.series is self.plan.adversarial:
                yield from self.quantized(self.candidates.layerwise(bits), LAYERWISE, bits)

    def quantized(self, chosen: Mapping[str, Option], choice: str, budget: int) -> Iterator[Sample]:
        """Measure a choice, before and after an epoch of training."""
        label = f"{self.trained.label}, {choice} {budget} bits"
        quantized = self.candidates.quantized(label, chosen)
        yield self._measured(quantized, chosen, choice, budget, tuned=False)
        yield self._measured(self._tuned(quantized), chosen, choice, budget, tuned=True)

    def _tuned(self, quantized: Trained) -> Trained:
        training = Training(
            objective=self.series.objective,
            epsilon_255=self.series.epsilon_255,
            epochs=1,
            learning_rate=_TUNING_RATE,
            initial=quantized,
            seed=self.study.scale.seed + self.seed,
        )
        return self.study.train(f"{quantized.label}, tuned", quantized.network.settings, training)

    def _measured(
        self,
        trained: Trained,
        chosen: Mapping[str, Option],
        choice: str,
        budget: int,
        *,
        tuned: bool,
    ) -> Sample:
        widths = {name: option.precision.weight_bits for name, option in chosen.items()}
        layers = self.candidates.network.layers()
        total = sum(widths[name] * layer.weight.numel() for name, layer in layers.items())
        return Sample(
            training=self.series.name,
            choice=choice,
            budget=budget,
            tuned=tuned,
            seed=self.study.scale.seed + self.seed,
            widths=widths,
            bits=total / self.candidates.weights,
            clean=self.study.clean(trained),
            robust={
                epsilon: self.study.attack(trained, "pgd", epsilon).row.accuracy
                for epsilon in (WEAK, self.plan.strong)
            },
        )
