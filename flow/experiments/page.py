# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The files that an experiment leaves: a page, the picture, rows and verdicts."""

from dataclasses import asdict
from pathlib import Path

from markupsafe import Markup

from flow.experiments.base import Experiment, Findings, Scale
from flow.experiments.figures import panels_png, panels_svg
from flow.report.rendering import render
from flow.storage.files import json_text, replace_file

__all__ = ["write_findings"]


def write_findings(folder: Path, experiment: Experiment, scale: Scale, findings: Findings) -> None:
    """Write rows.json, verdicts.json, figure.svg, figure.png and index.html; each is whole."""
    folder.mkdir(parents=True, exist_ok=True)
    figure = panels_svg(findings.panels, experiment.name)
    standalone = figure.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)
    contents = {
        "rows.json": json_text(list(findings.rows)),
        "verdicts.json": json_text([asdict(one) for one in findings.verdicts]),
        "figure.svg": standalone + "\n",
        "index.html": _page(experiment, scale, findings, figure),
    }
    for name, text in contents.items():
        replace_file(folder / name, text.encode())
    replace_file(folder / "figure.png", panels_png(findings.panels))


def _page(experiment: Experiment, scale: Scale, findings: Findings, figure: str) -> str:
    keys = list(findings.rows[0]) if findings.rows else []
    return render(
        "findings.html",
        "flow.experiments",
        experiment=experiment,
        scale=scale,
        findings=findings,
        figure=Markup(figure),
        head=[key.replace("_", " ") for key in keys],
        rows=[[_shown(row[key]) for key in keys] for row in findings.rows],
    )


def _shown(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
