# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The files that an experiment leaves: a page, the picture, rows and verdicts."""

from collections.abc import Sequence
from dataclasses import asdict
from html import escape
from importlib.resources import files
from pathlib import Path

from flow.experiments.base import Experiment, Findings, Row, Scale
from flow.experiments.figures import panels_png, panels_svg
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
    style = files("flow.report").joinpath("templates", "page.css").read_text(encoding="utf-8")
    verdicts = "".join(
        f"<tr><th>{escape(one.claim)}</th><td>{one.outcome}</td>"
        f"<td class='words'>{escape(one.evidence)}</td></tr>\n"
        for one in findings.verdicts
    )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<link rel="icon" href="data:,">\n'
        f"<title>{escape(experiment.title)}</title>\n<style>\n{style}"
        ".picture { max-width: none; }\n.words { text-align: left; white-space: normal; }\n"
        "</style></head>\n<body>\n"
        f"<header><h1>{escape(experiment.title)}</h1>\n<p>{escape(experiment.source)}. "
        f"{scale.train_images:,} training images, {scale.epochs} epochs, {scale.images} attacked "
        f"test images, seed {scale.seed}; every figure is of the integer network, with adversarial "
        "images rounded to uint8.</p></header>\n<main>\n"
        f"<section><h2>Verdicts</h2>\n<div class='scroll' tabindex='0'><table><thead><tr>"
        f"<th>claim</th><th>outcome</th><th>evidence</th></tr></thead>\n<tbody>{verdicts}</tbody>"
        f"</table></div></section>\n<section><h2>Figure</h2><figure class='picture'>{figure}"
        f"</figure></section>\n<section><h2>Rows</h2>{_table(findings.rows)}</section>\n"
        "</main>\n</body></html>\n"
    )


def _table(rows: Sequence[Row]) -> str:
    keys = list(rows[0]) if rows else []
    head = "".join(f"<th>{escape(key.replace('_', ' '))}</th>" for key in keys)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(_shown(row[key]))}</td>" for key in keys) + "</tr>\n"
        for row in rows
    )
    return (
        "<div class='scroll' tabindex='0'><table><thead><tr>"
        f"{head}</tr></thead>\n<tbody>{body}</tbody></table></div>"
    )


def _shown(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
