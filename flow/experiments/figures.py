# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Panels of an experiment as one picture."""

import io
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from flow.experiments.base import Curve, Panel
from flow.report.figures import SETTINGS, svg_element

__all__ = ["panels_png", "panels_svg"]

# Okabe and Ito (2008), and a marker and a dash each: told apart without colour, too
_STYLES: tuple[dict[str, Any], ...] = (
    {"color": "#0072B2", "marker": "o", "linestyle": "-"},
    {"color": "#D55E00", "marker": "s", "linestyle": "--"},
    {"color": "#009E73", "marker": "^", "linestyle": "-."},
    {"color": "#CC79A7", "marker": "D", "linestyle": ":"},
    {"color": "#E69F00", "marker": "v", "linestyle": "-"},
    {"color": "#56B4E9", "marker": "P", "linestyle": "--"},
    {"color": "#555555", "marker": "X", "linestyle": "-."},
    {"color": "#A6761D", "marker": "<", "linestyle": ":"},
)
_LONG = 10_000  # numbers of so many digits touch each other
_SIDE, _HEIGHT, _DPI = 4.6, 3.4, 160  # inches, pixels an inch


def panels_svg(panels: tuple[Panel, ...], name: str) -> str:
    """Return an <svg> element with the panels side by side, at most two in a row."""
    with mpl.rc_context(SETTINGS):
        return svg_element(_figure(panels), name)


def panels_png(panels: tuple[Panel, ...]) -> bytes:
    """Return the same picture as a PNG file."""
    buffer = io.BytesIO()
    with mpl.rc_context(SETTINGS):
        FigureCanvasAgg(_figure(panels)).print_png(
            buffer, metadata={"Software": None}, pil_kwargs={"dpi": (_DPI, _DPI)}
        )
    return buffer.getvalue()


def _figure(panels: tuple[Panel, ...]) -> Figure:
    columns = min(2, len(panels))
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(_SIDE * columns, _HEIGHT * rows), dpi=_DPI)
    places = figure.subplots(rows, columns, squeeze=False).flatten()
    shared = _labels_of_all(panels)
    for axes, panel in zip(places, panels, strict=False):
        _draw(axes, panel)
        if shared is None and len(panel.curves) > 1:
            axes.legend(fontsize=8)
    for axes in places[len(panels) :]:
        axes.set_axis_off()
    if shared is not None:
        figure.legend(*places[0].get_legend_handles_labels(), loc="outside upper center", ncols=4)
    return figure


def _labels_of_all(panels: tuple[Panel, ...]) -> list[str] | None:
    """Return the legend that several panels have in common, which then stands above them."""
    labels = [[curve.label for curve in panel.curves] for panel in panels]
    same = len(labels) > 1 and len(labels[0]) > 1 and all(one == labels[0] for one in labels)
    return labels[0] if same else None


def _draw(axes: Axes, panel: Panel) -> None:
    axes.set_title(panel.title, fontsize=10)
    axes.set_xlabel(panel.x_label)
    axes.set_ylabel(panel.y_label + (", %" if panel.percent else ""))
    factor = 100.0 if panel.percent else 1.0
    for number, curve in enumerate(panel.curves):
        _draw_curve(axes, curve, _STYLES[number % len(_STYLES)], factor)
    if panel.ticks is not None:
        slanted = sum(map(len, panel.ticks)) > 40
        turn: dict[str, Any] = {"rotation": 35, "ha": "right", "rotation_mode": "anchor"}
        axes.set_xticks(range(len(panel.ticks)), panel.ticks, **(turn if slanted else {}))
    elif any(x >= _LONG for curve in panel.curves for x in curve.x):
        axes.locator_params("x", nbins=6)
    if panel.percent:
        axes.set_ylim(-2, 102)
    elif panel.ticks is not None:
        axes.set_ylim(bottom=0)  # things beside each other are compared by their height


def _draw_curve(axes: Axes, curve: Curve, style: dict[str, Any], factor: float) -> None:
    if curve.low is not None and curve.high is not None:
        low, high = np.array(curve.low) * factor, np.array(curve.high) * factor
        axes.fill_between(curve.x, low, high, color=style["color"], alpha=0.15)
    axes.plot(curve.x, np.array(curve.y) * factor, label=curve.label, markersize=4, **style)
