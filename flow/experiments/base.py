# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What an experiment is, and what it finds."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from flow.experiments.scale import Scale
from flow.experiments.study import Study

__all__ = ["Curve", "Experiment", "Findings", "Outcome", "Panel", "Row", "Scale", "Verdict"]

Row = Mapping[str, str | int | float | None]
Outcome = Literal["reproduced", "refuted", "undecided"]


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One line of a panel.

    Attributes:
        label: in the legend.
        x: where it was measured, rising.
        y: what was measured there; an accuracy is in 0..1.
        low: lower end of the band, where there is one.
        high: its upper end.
    """

    label: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...] | None = None
    high: tuple[float, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One pair of axes.

    Attributes:
        ticks: names of x = 0, 1, 2, ..., where x is no number.
        percent: whether y is an accuracy in 0..1.
    """

    title: str
    x_label: str
    y_label: str
    curves: tuple[Curve, ...]
    ticks: tuple[str, ...] | None = None
    percent: bool = True


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What became of one claim; evidence has the figures that decided it."""

    claim: str
    outcome: Outcome
    evidence: str


@dataclass(frozen=True, kw_only=True)
class Findings:
    """All that an experiment shows; the rows have the same keys."""

    rows: tuple[Row, ...]
    panels: tuple[Panel, ...]
    verdicts: tuple[Verdict, ...]


class Experiment(ABC):
    """One claim, or a few that share trainings, tried.

    Attributes:
        name: the command's argument and the folder of the results.
        title: one line.
        source: the paper.
        scale: how much is trained and attacked by default.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    source: ClassVar[str]
    scale: ClassVar[Scale] = Scale()

    @abstractmethod
    def run(self, study: Study) -> Findings:
        """Train, attack, and judge."""
