# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Clean accuracy with and without Defensive Quantization; the networks are those of dq-bits."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from statistics import fmean
from typing import ClassVar

from flow.experiments._contrast import Contrast, unpooled
from flow.experiments._defensive import CONTROLS, PLAIN, SERIES, Series, network
from flow.experiments._defensive_panels import by_bits
from flow.experiments._defensive_sample import Cells
from flow.experiments.base import Experiment, Findings, Panel, Row, Verdict
from flow.experiments.defensive_bits import DEFENSIVE_BITS
from flow.experiments.scale import Scale
from flow.experiments.study import Study

__all__ = ["DEFENSIVE_CLEAN", "DefensiveClean", "clean_findings", "judge_clean"]


@dataclass(frozen=True)
class DefensiveClean(Experiment):
    """Measures every network of both series on the whole test set."""

    name: ClassVar[str] = "dq-clean"
    title: ClassVar[str] = "Clean accuracy of quantized networks: plain and Defensive Quantization"
    source: ClassVar[str] = "Lin, Gan and Han, ICLR 2019"
    scale: ClassVar[Scale] = DEFENSIVE_BITS.scale

    series: tuple[Series, ...] = SERIES

    def run(self, study: Study) -> Findings:
        """Return a row for each series and number of bits."""
        cells = {series.name: _measured(study, series) for series in self.series}
        return clean_findings(self.series, cells, len(study.dataset.test_labels))


def clean_findings(every: tuple[Series, ...], cells: Mapping[str, Cells], images: int) -> Findings:
    """Return what the accuracies of each series' networks on so many images show."""
    return Findings(
        rows=tuple(
            _row(series, bits, cells[series.name], images)
            for series in every
            for bits in series.bits
        ),
        panels=tuple(_panel(series, cells[series.name]) for series in every),
        verdicts=tuple(
            found for series in every for found in judge_clean(series, cells[series.name], images)
        ),
    )


def judge_clean(series: Series, cells: Cells, images: int) -> list[Verdict]:
    """Judge whether the penalty raises clean accuracy, at each quantized width."""
    full = f"; at {series.bits[-1]} bits {_gain(cells, series.bits[-1], images).points()}"
    found = []
    for bits in series.bits[:-1]:
        gain = _gain(cells, bits, images)
        claim = f"{series.name} training: DQ raises the clean accuracy of networks of {bits} bits"
        evidence = f"{gain.points()}, {series.seeds} seeds{full}"
        found.append(Verdict(claim=claim, outcome=gain.is_positive, evidence=evidence))
    return found


def _gain(cells: Cells, bits: int, images: int) -> Contrast:
    return unpooled(cells, {("dq", bits): 1.0, (PLAIN, bits): -1.0}, images=images)


def _measured(study: Study, series: Series) -> Cells:
    return {
        (control, bits): [
            study.clean(network(study, series, control, bits, seed)) for seed in range(series.seeds)
        ]
        for bits in series.bits
        for control in CONTROLS
    }


def _row(series: Series, bits: int, cells: Cells, images: int) -> Row:
    gain = _gain(cells, bits, images)
    return {
        "training": series.name,
        "bits": bits,
        "seeds": series.seeds,
        "clean_plain": fmean(cells[PLAIN, bits]),
        "clean_dq": fmean(cells["dq", bits]),
        "gain": gain.estimate,
        "gain_low": gain.low,
        "gain_high": gain.high,
    }


def _panel(series: Series, cells: Cells) -> Panel:
    return Panel(
        title=f"{series.name} training",
        x_label="bits of weights and activations",
        y_label="test error (band: seeds), %",
        curves=tuple(
            replace(
                curve,
                y=_errors(curve.y),
                low=_errors(curve.high or curve.y),
                high=_errors(curve.low or curve.y),
            )
            for curve in by_bits(cells)
        ),
        percent=False,  # errors of a few percent would be a line along the axis
    )


def _errors(accuracies: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(100 * (1 - accuracy) for accuracy in accuracies)


DEFENSIVE_CLEAN = DefensiveClean()
