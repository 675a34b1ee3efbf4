# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The report's pictures, as SVG and PNG text that stands in the page itself."""

import base64
import io
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.image import imsave
from numpy.typing import NDArray

from flow.classifier import Images
from flow.report.schema import (
    AmplificationPoint,
    CertifiedRow,
    EpochPoint,
    LayerResources,
    NoisePoint,
    Report,
    RobustRow,
)

__all__ = [
    "SETTINGS",
    "amplification_figure",
    "certified_figure",
    "difference_png",
    "image_png",
    "in_order",
    "network_styles",
    "resources_figure",
    "robust_accuracy_figure",
    "svg_element",
    "training_figure",
]

Point = TypeVar("Point", RobustRow, NoisePoint, AmplificationPoint)

Style = Mapping[str, Any]  # of a matplotlib line

# Okabe and Ito (2008): told apart with any colour vision, and by marker and dash without any
_FIRST: Style = {"color": "#0072B2", "marker": "o", "linestyle": "-"}
_SECOND: Style = {"color": "#D55E00", "marker": "s", "linestyle": "--"}
SETTINGS = {
    "svg.fonttype": "none",  # text stays text: it is selected, searched and read aloud
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#767676",
    "axes.labelcolor": "#1a1a1a",
    "xtick.color": "#444444",
    "ytick.color": "#444444",
    "axes.grid": True,
    "grid.color": "#e4e4e4",
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
}
_NO_DATE: dict[str, Any] = {"Date": None}  # equal figures give equal bytes
_NO_SOFTWARE: dict[str, Any] = {"Software": None}
_WIDTH = 4.6  # inches: at 96 pixels an inch the text is 13 pixels high on a laptop, 10 on a phone


def network_styles(report: Report) -> dict[str, Style]:
    """Return how each network of a report is drawn, in the order of legends and tables."""
    found = {report.deployed: _FIRST}
    return found if report.compared is None else found | {report.compared: _SECOND}


def in_order(networks: Iterable[str], styles: Mapping[str, Style]) -> list[str]:
    """Return the names in the order of the styles; those without one by the alphabet, behind."""
    order = list(styles)
    known = sorted(networks)
    return sorted(known, key=lambda name: order.index(name) if name in styles else len(order))


def robust_accuracy_figure(
    rows: Sequence[RobustRow], noise: Sequence[NoisePoint], styles: Mapping[str, Style]
) -> str:
    """Draw accuracy against epsilon with 95% bands; thin grey: random noise of the same size."""
    with mpl.rc_context(SETTINGS):
        figure, axes = _axes("epsilon (uint8 units of 255)", "accuracy, %")
        for network, style, points in _by_network(rows, styles):
            points.sort(key=lambda row: row.epsilon_255)
            x = [row.epsilon_255 for row in points]
            low, high = zip(*(row.ci95 for row in points), strict=True)
            axes.fill_between(x, _percent(low), _percent(high), color=style["color"], alpha=0.18)
            axes.plot(x, _percent([p.accuracy for p in points]), label=network, **style)
        for network, style, shaken in _by_network(noise, styles):
            shaken.sort(key=lambda point: point.epsilon_255)
            x = [point.epsilon_255 for point in shaken]
            thin = {**style, "marker": "", "alpha": 0.45, "linewidth": 1}
            label = f"{network}, random noise"
            axes.plot(x, _percent([p.accuracy for p in shaken]), label=label, **thin)
        axes.set_ylim(-2, 102)
        axes.legend()
        return svg_element(figure, "robust")


def certified_figure(rows: Sequence[CertifiedRow], attacked: Sequence[RobustRow]) -> str:
    """Draw what is certified, with bars up to what nothing has broken; dashed: what attacks leave.

    Both by ascending epsilon, of one network.
    """
    with mpl.rc_context(SETTINGS):
        figure, axes = _axes("epsilon (uint8 units of 255)", "accuracy, %")
        known = _percent([row.certified for row in rows])
        open_share = _percent([row.possible - row.certified for row in rows])
        bars: Any = [[0.0] * len(rows), open_share]
        x = [row.epsilon_255 for row in rows]
        axes.errorbar(x, known, bars, label="certified", capsize=3, **_FIRST)
        if attacked:
            left = sorted(attacked, key=lambda row: row.epsilon_255)
            at = [row.epsilon_255 for row in left]
            axes.plot(at, _percent(r.accuracy for r in left), label="attacked", **_SECOND)
        axes.set_ylim(-2, 102)
        axes.legend()
        return svg_element(figure, "certified")


def amplification_figure(points: Sequence[AmplificationPoint], styles: Mapping[str, Style]) -> str:
    """Draw the relative error by depth for each network, with 95% bands; reshapes left out."""
    points = [point for point in points if not point.layer.endswith("flatten")]
    with mpl.rc_context(SETTINGS):
        figure, axes = _axes("", "relative l2 error")
        for network, style, layers in _by_network(points, styles):
            x = np.arange(len(layers))
            low, high = zip(*(layer.ci95 for layer in layers), strict=True)
            axes.fill_between(x, low, high, color=style["color"], alpha=0.18)
            axes.plot(x, [layer.distance for layer in layers], label=network, **style)
            names = [short_name(layer.layer) for layer in layers]
            axes.set_xticks(x, names, rotation=50, ha="right", rotation_mode="anchor")
        axes.set_ylim(bottom=0)
        axes.legend()
        return svg_element(figure, "amplification")


def training_figure(curves: Mapping[str, Sequence[EpochPoint]], styles: Mapping[str, Style]) -> str:
    """Draw each training's accuracy on its own (attacked or clean) training images."""
    with mpl.rc_context(SETTINGS):
        figure, axes = _axes("epoch", "training accuracy, %")
        for network, epochs in curves.items():
            if epochs:
                style = {**styles.get(network, _FIRST), "markersize": 3}
                x = [point.epoch for point in epochs]
                axes.plot(x, _percent([p.accuracy for p in epochs]), label=network, **style)
        axes.legend()
        return svg_element(figure, "training")


def resources_figure(layers: Sequence[LayerResources]) -> str:
    """Draw the LUTs of each layer, Yosys beside FINN; FIFOs and width converters are summed."""
    names, counted, estimated = _bars(layers)
    with mpl.rc_context(SETTINGS):
        figure = Figure(figsize=(_WIDTH, 1.1 + 0.36 * len(names)))
        axes = figure.subplots()
        y = np.arange(len(names))
        axes.barh(y - 0.2, counted, 0.38, color="#0072B2", label="Yosys, synthesised")
        axes.barh(y + 0.2, estimated, 0.38, color="#E69F00", label="FINN, estimated")
        axes.set_yticks(y, names)
        axes.invert_yaxis()
        axes.grid(visible=False, axis="y")
        axes.set_xlabel("LUT")
        figure.legend(loc="outside upper center", ncols=2)
        return svg_element(figure, "resources")


def _bars(layers: Sequence[LayerResources]) -> tuple[list[str], list[int], list[float]]:
    counted: dict[str, int] = defaultdict(int)
    estimated: dict[str, float] = defaultdict(float)
    for layer in sorted(layers, key=_is_glue):
        name = _glue_name(layer) if _is_glue(layer) else short_name(layer.name)
        counted[name] += layer.lut
        estimate = layer.estimate.lut if layer.estimate else None
        estimated[name] += float("nan") if estimate is None else estimate
    return list(counted), list(counted.values()), list(estimated.values())


def _is_glue(layer: LayerResources) -> bool:
    return any(kind in layer.op_type for kind in ("FIFO", "DataWidthConverter"))


def _glue_name(layer: LayerResources) -> str:
    return "all FIFOs" if "FIFO" in layer.op_type else "width converters"


def short_name(name: str) -> str:
    """Shorten FINN's node names to what fits beside an axis."""
    names = {"ConvolutionInputGenerator": "Window", "Thresholding": "Threshold", "_rtl": ""}
    for long, short in names.items():
        name = name.replace(long, short)
    return name.replace("_", " ")


def _axes(x_label: str, y_label: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(_WIDTH, 3.2))
    axes = figure.subplots()
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    return figure, axes


def _percent(fractions: Iterable[float]) -> list[float]:
    return [100 * fraction for fraction in fractions]


def _by_network(
    points: Iterable[Point], styles: Mapping[str, Style]
) -> list[tuple[str, Style, list[Point]]]:
    groups: dict[str, list[Point]] = {}
    for point in points:
        groups.setdefault(point.network, []).append(point)
    names = in_order(groups, styles)
    return [(name, styles.get(name, _FIRST), groups[name]) for name in names]


def svg_element(figure: Figure, prefix: str) -> str:
    """Return an <svg> element without outside references; its ids start with the prefix."""
    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": prefix}):
        FigureCanvasSVG(figure).print_svg(buffer, metadata=_NO_DATE)
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r' xmlns(:\w+)?="[^"]*"', "", text)
    text = re.sub(r' (width|height)="[\d.]+pt"', "", text, count=2)
    text = text.replace("xlink:href", "href")
    text = re.sub(r'\bid="', f'id="{prefix}-', text)
    text = re.sub(r'href="#', f'href="#{prefix}-', text)
    return re.sub(r"url\(#", f"url(#{prefix}-", text)


def image_png(image: Images) -> str:
    """Return a data URI of an image uint8[H, W, C], C 1 or 3."""
    return _png(image if image.shape[2] == 3 else image.repeat(3, axis=2))


def difference_png(before: Images, after: Images, epsilon_255: int) -> str:
    """Return a data URI of after - before: white no change, blue brighter, orange darker.

    Full colour is a change by epsilon_255 (the mean over channels).
    """
    change = (after.astype(np.float64) - before).mean(axis=2, keepdims=True) / max(epsilon_255, 1)
    brighter, darker = np.array([0, 114, 178]), np.array([213, 94, 0])
    end = np.where(change > 0, brighter, darker)
    return _png(np.rint(255 + (end - 255) * np.abs(change)).clip(0, 255).astype(np.uint8))


def _png(image: NDArray[np.uint8]) -> str:
    buffer = io.BytesIO()
    imsave(buffer, image, format="png", metadata=_NO_SOFTWARE)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
