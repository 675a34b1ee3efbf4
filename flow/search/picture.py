# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The picture of a search: a point a finalist, which the page's script and links find by its id.

Pale dots are all that were trained briefly, where they were predicted and first attacked.
"""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from flow.evaluation.accuracy import wilson_interval
from flow.report.figures import SETTINGS, svg_element
from flow.search.search import Finalist, Outcome
from flow.search.settings import SearchConfig

__all__ = ["POINT", "picture"]

POINT = "search-point"  # how the id of a finalist's point begins; its trial's number follows
_OURS = "#0072b2"
_BRIEF = "#b8b8b8"
_RIVALS = (("#d55e00", "s"), ("#009e73", "^"))  # Okabe and Ito (2008), and a marker each
_SIZE = (7.6, 4.2)  # inches


def picture(
    config: SearchConfig, outcome: Outcome, rivals: Mapping[str, Outcome] | None = None
) -> str:
    """Return an <svg>: worst case over LUTs, both measured but for the pale dots.

    Bars are 95% Wilson intervals.

    A point links to "#search-trialN" and lies in a group with the id "search-pointN".
    """
    with mpl.rc_context(SETTINGS):
        figure = Figure(figsize=_SIZE)
        axes = figure.subplots()
        axes.set_xlabel("LUT")
        axes.set_ylabel(f"worst case at {config.epsilon_255}/255, %")
        luts = [cost.lut for _, cost, _ in outcome.tried]
        brief = [100 * scores.worst_case for _, _, scores in outcome.tried]
        axes.plot(luts, brief, ".", color=_BRIEF, label="short training, LUT predicted", zorder=1)
        for (name, other), (colour, marker) in zip((rivals or {}).items(), _RIVALS, strict=False):
            x, y = _places(other.finalists)
            axes.plot(x, y, marker, color=colour, alpha=0.7, label=f"{name}, finalists")
            _steps(axes, other.front, colour)
        for one in outcome.finalists:
            _point(axes, config, one, on_front=one in outcome.front)
        _steps(axes, outcome.front, _OURS)
        _legend(axes, outcome)
        return svg_element(figure, "search")


def _places(some: Sequence[Finalist]) -> tuple[list[int], list[float]]:
    return [one.measured.lut for one in some], [100 * one.measured.worst_case for one in some]


def _steps(axes: Axes, front: Sequence[Finalist], colour: str) -> None:
    """Draw what the front promises: for so many LUTs at least this worst case."""
    order = sorted(front, key=lambda one: one.measured.lut)
    reached = [max(one.measured.worst_case for one in order[: i + 1]) for i in range(len(order))]
    x = [one.measured.lut for one in order]
    axes.step(x, [100 * y for y in reached], where="post", color=colour, linewidth=1, alpha=0.6)


def _point(axes: Axes, config: SearchConfig, one: Finalist, *, on_front: bool) -> None:
    (x,), (y,) = _places([one])
    low, high = wilson_interval(round(y / 100 * config.final.images), config.final.images)
    axes.vlines(x, 100 * low, 100 * high, color=_OURS, alpha=0.35, linewidth=1.5)
    fill = _OURS if on_front else "white"
    dot = axes.scatter([x], [y], s=64, facecolors=fill, edgecolors=_OURS, linewidths=1.6, zorder=3)
    dot.set_gid(f"point{one.number}")
    dot.set_urls([f"#trial{one.number}"])
    axes.annotate(str(one.number), (x, y), xytext=(7, 5), textcoords="offset points", fontsize=8)


def _legend(axes: Axes, outcome: Outcome) -> None:
    for label, fill, some in (
        ("front", _OURS, outcome.front),
        ("trained in full, not on the front", "white", outcome.finalists),
    ):
        if len(some) > (0 if fill == _OURS else len(outcome.front)):
            axes.scatter(
                [], [], s=64, facecolors=fill, edgecolors=_OURS, linewidths=1.6, label=label
            )
    axes.legend(loc="lower right", fontsize=8)
