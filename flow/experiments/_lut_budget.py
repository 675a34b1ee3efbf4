# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Networks of several sizes on one part: what they hold under attack, and at equal LUTs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from brevitas_models.settings import ArchitectureSettings
from flow.compile.prediction import Prediction, predict
from flow.config import CompileConfig
from flow.experiments._contrast import contrast
from flow.experiments.base import Curve, Outcome, Panel, Row, Verdict
from flow.experiments.study import Study
from flow.experiments.trained import Trained, Training
from flow.export.deployment import untrained
from flow.integer import IntegerNetwork
from hw.parts import find_part

__all__ = [
    "Sized",
    "against_area",
    "at_area",
    "best_of",
    "epsilon_of",
    "held_in",
    "series_of",
    "sized",
    "trained_and_sized",
    "untrained_area",
]

# A Zynq 7020 with every product in LUTs. A block RAM counts as the LUTs that the part has for each.
_TARGET = CompileConfig(part="xc7z020clg400-1", target_fps=2000.0, lut_per_dsp=1e6)
_LUT_PER_BLOCK = find_part(_TARGET.part).lut / find_part(_TARGET.part).bram36
_ATTACKS = ("apgd_ce", "square")  # the second needs no gradients, which few bits may hide
_EPSILONS = {1: 26, 3: 4}  # in uint8 units, by an image's channels: grey ones stand more


@dataclass(frozen=True, kw_only=True)
class Sized:
    """One network.

    Attributes:
        series: what is compared, each in several sizes.
        size: within the series.
        seed: of its training.
        weights: bits of each layer's.
        lut: as predicted, as is bram36.
        clean: accuracy on the whole test set.
        robust: share of the first test images that neither of two attacks broke.
    """

    series: str
    size: float
    seed: int
    weights: str
    lut: float
    bram36: float
    clean: float
    robust: float

    @property
    def area(self) -> float:
        """LUTs, with 380 for each block RAM."""
        return _area(self.lut, self.bram36)

    def row(self) -> Row:
        """Return it flat."""
        return {
            "network": self.series,
            "size": self.size,
            "seed": self.seed,
            "weights": self.weights,
            "lut": round(self.lut),
            "bram36": self.bram36,
            "area": round(self.area),
            "clean": self.clean,
            "robust": self.robust,
            "per_1000": round(1000 * self.robust / self.area, 4),
        }


def epsilon_of(study: Study) -> int:
    """Return the strength of training and attack for the study's images, in uint8 units."""
    return _EPSILONS[study.dataset.input_shape[2]]


def _price(network: IntegerNetwork) -> Prediction:
    """Predict a network's LUTs and block RAMs on the part, folded for the frame rate."""
    return predict(network, _TARGET)


def untrained_area(settings: ArchitectureSettings) -> float:
    """Predict Sized.area before anything is trained, from weights of chance."""
    cost = _price(untrained(settings))
    return _area(cost.lut, cost.bram36)


def _area(lut: float, bram36: float) -> float:
    return lut + _LUT_PER_BLOCK * bram36


def sized(study: Study, trained: Trained, *, series: str, size: float, seed: int) -> Sized:
    """Attack a network and predict what it takes."""
    cost, bits = _price(trained.integer), trained.network.settings.bits
    return Sized(
        series=series,
        size=size,
        seed=seed,
        weights="-".join(str(bits.of(layer).weight_bits) for layer in trained.network.layers()),
        lut=cost.lut,
        bram36=cost.bram36,
        clean=study.clean(trained),
        robust=study.worst_case(trained, _ATTACKS, epsilon_of(study)).row.accuracy,
    )


def trained_and_sized(
    study: Study, settings: ArchitectureSettings, *, series: str, width: float, seed: int
) -> Sized:
    """Train a network on FGSM at the study's strength; see sized."""
    training = Training(objective="fgsm", epsilon_255=epsilon_of(study), seed=seed)
    trained = study.train(f"{series}, width {width:g}, seed {seed}", settings, training)
    return sized(study, trained, series=series, size=width, seed=seed)


def series_of(samples: Iterable[Sized]) -> dict[str, list[Sized]]:
    """Return the samples of each series, smaller networks first."""
    found: dict[str, list[Sized]] = {}
    for one in sorted(samples, key=lambda one: one.size):
        found.setdefault(one.series, []).append(one)
    return found


def at_area(samples: Sequence[Sized], area: float) -> dict[str, list[float]]:
    """Return what each series holds with at most so much area, a value for each seed.

    A series whose smallest network takes more, or whose largest takes less, is left out.
    """
    found = {}
    for name, ones in series_of(samples).items():
        seeds = sorted({one.seed for one in ones})
        lines = [[one for one in ones if one.seed == seed] for seed in seeds]
        values = [held_in(line, area) for line in lines]
        if all(value is not None for value in values):
            found[name] = [value for value in values if value is not None]
    return found


def held_in(line: Iterable[Sized], area: float) -> float | None:
    """Return what networks of one seed hold with at most so much area; None beyond their areas.

    Between two of them it is interpolated over the logarithm of the area, where more of it helps.
    """
    ordered = sorted(line, key=lambda one: one.area)
    if not ordered[0].area <= area <= ordered[-1].area:
        return None
    best = np.maximum.accumulate([one.robust for one in ordered])
    return float(np.interp(np.log(area), np.log([one.area for one in ordered]), best))


def best_of(samples: Sequence[Sized], area: float, images: int) -> Verdict:
    """Judge whether one series holds more, in so much area, than each other one that spans it."""
    cells = at_area(samples, area)
    ranked = sorted(cells, key=lambda name: -fmean(cells[name]))
    each = ", ".join(f"{name} {100 * fmean(values):.1f}%" for name, values in cells.items())
    absent = ", ".join(name for name in series_of(samples) if name not in cells)
    outcome: Outcome = "undecided"
    if len(ranked) > 1:
        best, second = ranked[:2]
        outcome = contrast(cells, {best: 1.0, second: -1.0}, images=images).is_positive
    return Verdict(
        claim=f"in an area of {area:,.0f} LUTs, {ranked[0] if ranked else 'none'} holds most",
        outcome=outcome,
        evidence=(each or "none spans it") + (f"; not of that size: {absent}" if absent else ""),
    )


def against_area(samples: Sequence[Sized], title: str) -> Panel:
    """Return robust accuracy against area, a curve for each series; bands are all seeds."""
    return Panel(
        title=title,
        x_label=f"LUTs, with {_LUT_PER_BLOCK:.0f} for each block RAM",
        y_label="robust accuracy (band: seeds)",
        curves=tuple(_curve(name, ones) for name, ones in series_of(samples).items()),
    )


def _curve(name: str, ones: Sequence[Sized]) -> Curve:
    sizes = sorted({one.size for one in ones})
    of_size = [[one for one in ones if one.size == size] for size in sizes]
    return Curve(
        label=name,
        x=tuple(fmean(one.area for one in some) for some in of_size),
        y=tuple(fmean(one.robust for one in some) for some in of_size),
        low=tuple(min(one.robust for one in some) for some in of_size),
        high=tuple(max(one.robust for one in some) for some in of_size),
    )
