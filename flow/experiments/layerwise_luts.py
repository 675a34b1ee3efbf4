# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Weight bits layer by layer against the best uniform width, in the same area of one part.

As in experiment layerwise the bits are taken from an adversarially trained network of 8, by the
sensitivity that brevitas_models.selection scores; but what a layer's bits cost is what the
accelerator is predicted to take more or less with them, and the networks are then trained on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import ClassVar

from brevitas_models.errors import ModelError
from brevitas_models.selection import Option
from flow.experiments._contrast import contrast
from flow.experiments._layerwise_choice import Candidates
from flow.experiments._lut_budget import (
    Sized,
    against_area,
    epsilon_of,
    held_in,
    sized,
    untrained_area,
)
from flow.experiments.base import Experiment, Findings, Verdict
from flow.experiments.scale import Scale
from flow.experiments.study import Study
from flow.experiments.trained import Trained, Training

__all__ = ["LAYERWISE_LUTS", "LayerwiseLuts", "judge"]

_UNIFORM, _LAYERWISE = "uniform", "layer-wise"
_MANY, _ACTIVATIONS = 8, 4  # bits of the first network's weights; of activations, always
_TUNING_RATE = 1e-3
_STEP = 0.01  # off the budget, where layers together take more than each alone


@dataclass(frozen=True)
class LayerwiseLuts(Experiment):
    """Trains networks of 8 bits, takes bits from them in both ways, and trains on.

    Attributes:
        budgets: uniform widths, whose area the layer-wise choice may have.
        seeds: how many trainings of 8 bits.
        tuning: epochs of training in the chosen bits.
    """

    budgets: tuple[int, ...] = (2, 3, 4)
    seeds: int = 10
    tuning: int = 2

    name: ClassVar[str] = "layerwise-luts"
    title: ClassVar[str] = "Weight bits layer by layer in the area of uniform ones"
    source: ClassVar[str] = "Song, Ranjan and Li, arXiv:2110.12308"
    scale: ClassVar[Scale] = Scale(train_images=4000, epochs=6, images=1000)

    def run(self, study: Study) -> Findings:
        """Return a row for each network."""
        seeds = range(study.scale.seed, study.scale.seed + self.seeds)
        prices = _Prices()
        samples = [one for seed in seeds for one in self._of_seed(study, prices, seed)]
        return Findings(
            rows=tuple(one.row() for one in samples),
            panels=(against_area(samples, f"worst case at {epsilon_of(study)}/255"),),
            verdicts=tuple(judge(samples)),
        )

    def _of_seed(self, study: Study, prices: "_Prices", seed: int) -> list[Sized]:
        training = Training(objective="fgsm", epsilon_255=epsilon_of(study), seed=seed)
        label = f"{_MANY} bits, seed {seed}"
        start = study.train(label, study.settings(_MANY, _ACTIVATIONS), training)
        candidates = Candidates.of(study, start)
        found = []
        for bits in self.budgets:
            uniform = candidates.uniform(bits)
            for choice, chosen in {
                _UNIFORM: uniform,
                _LAYERWISE: prices.as_cheap(candidates, uniform),
            }.items():
                told = f"{label}, {choice} {bits}"
                tuned = self._tuned(study, candidates.quantized(told, chosen), training)
                found.append(sized(study, tuned, series=choice, size=bits, seed=seed))
        return found

    def _tuned(self, study: Study, quantized: Trained, training: Training) -> Trained:
        further = replace(
            training, epochs=self.tuning, learning_rate=_TUNING_RATE, initial=quantized
        )
        return study.train(f"{quantized.label}, tuned", quantized.network.settings, further)


class _Prices:
    """What a network takes with some weight bits; asked once for each, as seeds do not matter."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, ...], float] = {}

    def as_cheap(self, candidates: Candidates, uniform: Mapping[str, Option]) -> dict[str, Option]:
        """Return the choice of least score that takes no more area than the uniform one."""
        most = self._area(candidates, uniform)

        def more(layer: str, weight_bits: int, _activation_bits: int) -> float:
            own = candidates.uniform(weight_bits)[layer]
            return self._area(candidates, {**uniform, layer: own}) - most

        budget = 0.0
        while True:
            try:
                found = candidates.within(budget, more)
            except ModelError:
                return dict(uniform)  # which is a choice, too
            if self._area(candidates, found) <= most:
                return found
            budget -= _STEP * most

    def _area(self, candidates: Candidates, chosen: Mapping[str, Option]) -> float:
        key = tuple(option.precision.weight_bits for option in chosen.values())
        if key not in self._known:
            self._known[key] = untrained_area(candidates.settings(chosen))
        return self._known[key]


def judge(samples: Sequence[Sized]) -> list[Verdict]:
    """Judge, for each budget and on average, whether layer-wise bits hold more.

    Each network is compared with what the uniform ones of its seed hold in its own area, be it
    with more bits or with fewer; in less area than theirs, with the smallest.
    """
    gains: dict[float, list[float]] = {}
    excess: dict[float, list[float]] = {}
    for one in samples:
        if one.series == _LAYERWISE:
            gains.setdefault(one.size, []).append(one.robust - _uniform(samples, one))
            (twin,) = (u for u in _line(samples, one.seed) if u.size == one.size)
            excess.setdefault(one.size, []).append(one.area / twin.area - 1)
    means = [fmean(of_seed) for of_seed in zip(*gains.values(), strict=True)]
    shares = [fmean(of_seed) for of_seed in zip(*excess.values(), strict=True)]
    return [
        *(_verdict(f"for uniform {bits:g} bits", gains[bits], excess[bits]) for bits in gains),
        _verdict("on average", means, shares),
    ]


def _line(samples: Sequence[Sized], seed: int) -> list[Sized]:
    return [one for one in samples if (one.series, one.seed) == (_UNIFORM, seed)]


def _uniform(samples: Sequence[Sized], found: Sized) -> float:
    line = _line(samples, found.seed)
    areas = [one.area for one in line]
    held = held_in(line, min(max(found.area, min(areas)), max(areas)))
    assert held is not None, "the area was cut to theirs"
    return held


def _verdict(where: str, gains: Sequence[float], excess: Sequence[float]) -> Verdict:
    found = contrast({"gain": gains}, {"gain": 1.0}, images=None)
    return Verdict(
        claim=f"{where}, bits chosen layer by layer hold more than uniform ones in their area",
        outcome=found.is_positive,
        evidence=f"{found.points()} on these test images, {len(gains)} seeds; area "
        f"{100 * fmean(excess):+.1f}% of the uniform one that was to be met",
    )


LAYERWISE_LUTS = LayerwiseLuts()
