# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Where robust accuracy for a LUT peaks: 1 to 8 bits of weights and activations on one part."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import ClassVar

from flow.experiments._lut_budget import (
    Sized,
    against_area,
    best_of,
    epsilon_of,
    series_of,
    trained_and_sized,
)
from flow.experiments.base import Curve, Experiment, Findings, Panel
from flow.experiments.scale import Scale
from flow.experiments.study import Study

__all__ = ["LUT_BITS", "LutBits"]


@dataclass(frozen=True)
class LutBits(Experiment):
    """Trains each number of bits in several widths, attacks, and predicts LUTs.

    Attributes:
        bits: of weights and activations alike, of every layer.
        widths: factors of every channel count.
        budgets: areas at which bits are compared, in LUTs.
        seeds: how many of each training.
    """

    bits: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7, 8)
    widths: tuple[float, ...] = (0.5, 1.0, 2.0)
    budgets: tuple[float, ...] = (5000.0, 8000.0, 14_000.0)
    seeds: int = 2

    name: ClassVar[str] = "lut-bits"
    title: ClassVar[str] = "Robust accuracy and area: 1 to 8 bits on one part"
    source: ClassVar[str] = "no paper: what a search over bits trades"
    scale: ClassVar[Scale] = Scale(train_images=6000, epochs=6, images=500)

    def run(self, study: Study) -> Findings:
        """Return a row for each network."""
        samples = [
            self._sample(study, bits, width, study.scale.seed + seed)
            for bits in self.bits
            for width in self.widths
            for seed in range(self.seeds)
        ]
        images = study.scale.images
        return Findings(
            rows=tuple(one.row() for one in samples),
            panels=(
                against_area(samples, f"worst case at {epsilon_of(study)}/255"),
                _against_bits(samples, "worst case", lambda one: one.robust, percent=True),
                _against_bits(samples, "area in LUTs", lambda one: one.area),
                _against_bits(
                    samples, "points for 1,000 LUTs", lambda one: 1e5 * one.robust / one.area
                ),
            ),
            verdicts=tuple(best_of(samples, area, images) for area in self.budgets),
        )

    def _sample(self, study: Study, bits: int, width: float, seed: int) -> Sized:
        settings = study.settings(bits, bits, width=width)
        series = f"{bits} bit{'s' if bits > 1 else ''}"
        return trained_and_sized(study, settings, series=series, width=width, seed=seed)


def _against_bits(
    samples: Sequence[Sized], what: str, value: Callable[[Sized], float], *, percent: bool = False
) -> Panel:
    """Return a mean over seeds against bits, a curve for each width."""
    series = series_of(samples)
    curves = [
        Curve(
            label=f"width {size:g}",
            x=tuple(float(place) for place in range(len(series))),
            y=tuple(
                fmean(value(one) for one in ones if one.size == size) for ones in series.values()
            ),
        )
        for size in sorted({one.size for one in samples})
    ]
    return Panel(
        title=what,
        x_label="weights and activations",
        y_label=what,
        curves=tuple(curves),
        ticks=tuple(name.split()[0] for name in series),
        percent=percent,
    )


LUT_BITS = LutBits()
