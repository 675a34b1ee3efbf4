# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What a search leaves in its folder: the page, the run of each finalist, and best.yaml."""

import html
from collections.abc import Sequence
from pathlib import Path

import yaml

from flow.search.candidate import run_document
from flow.search.picture import picture
from flow.search.search import Finalist, Outcome
from flow.search.settings import SearchConfig
from flow.storage.files import replace_file

__all__ = ["command_of", "write_outcome"]

_PAGE = "index.html"
_STYLE = """
body{font:15px/1.45 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;
color:#1f2933}
table{border-collapse:collapse;width:100%}td,th{padding:.25rem .5rem;text-align:right;
border-bottom:1px solid #d9dee3}td:first-child,th:first-child{text-align:left}
tr.command td{text-align:left;font-size:.85em}tr:target,tr:target+tr{background:#fff3c4}
code{user-select:all}svg{width:100%;height:auto}circle:hover{stroke:#000}
"""
_HEAD = ("candidate", "worst case", "certified", "clean", "LUT", "BRAM", "DSP", "frames/s",
         "latency, us", "LUT predicted")  # fmt: skip


def write_outcome(folder: Path, config: SearchConfig, outcome: Outcome) -> Path | None:
    """Write index.html, runs/NAME.yaml for each finalist, and best.yaml if there is a front.

    Returns:
        The path of best.yaml.
    """
    runs = folder / "runs"
    runs.mkdir(parents=True, exist_ok=True)
    for one in outcome.finalists:
        _write_run(runs / f"{_name(config, one)}.yaml", config, one)
    replace_file(folder / _PAGE, _page(folder, config, outcome).encode())
    if not outcome.front:
        return None
    _write_run(folder / "best.yaml", config, outcome.front[0])
    return folder / "best.yaml"


def command_of(folder: Path, config: SearchConfig, finalist: Finalist) -> str:
    """Return the command that trains, compiles and measures a finalist again."""
    return f"steelflow run {folder / 'runs' / _name(config, finalist)}.yaml"


def _name(config: SearchConfig, finalist: Finalist) -> str:
    return f"{config.name}_{finalist.number}"


def _write_run(path: Path, config: SearchConfig, finalist: Finalist) -> None:
    document = run_document(finalist.candidate, config, _name(config, finalist))
    head = f"# trial {finalist.number} of the search {config.name}: {finalist.candidate.text()}\n"
    replace_file(path, (head + yaml.safe_dump(document, sort_keys=False)).encode())


def _page(folder: Path, config: SearchConfig, outcome: Outcome) -> str:
    count = len(outcome.tried)
    lead = (
        f"{count} candidates were trained, {len(outcome.refused)} did not fit or could not be "
        f"built; {len(outcome.finalists)} were trained in full and measured, and "
        f"{len(outcome.front)} of them are the front (filled). Accuracies are on test images at "
        f"{config.epsilon_255}/255, resources by Yosys, speeds by simulation of the RTL."
    )
    parts = [
        f"<h1>Search {html.escape(config.name)}</h1><p>{lead}</p>",
        picture(config, outcome),
        "<h2>Measured</h2>",
        _table(folder, config, outcome),
        "<h2>Refused</h2>",
        _refused(outcome),
    ]
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{html.escape(config.name)}"
        f"</title><style>{_STYLE}</style><body>{''.join(parts)}</body></html>\n"
    )


def _table(folder: Path, config: SearchConfig, outcome: Outcome) -> str:
    chosen = [*outcome.front, *(one for one in outcome.finalists if one not in outcome.front)]
    rows = "".join(_row(folder, config, one, one in outcome.front) for one in chosen)
    head = "".join(f"<th>{name}</th>" for name in _HEAD)
    return f"<table><tr>{head}</tr>{rows}</table>"


def _row(folder: Path, config: SearchConfig, one: Finalist, on_front: bool) -> str:
    found = one.measured
    certified = "-" if found.certified is None else f"{found.certified:.1%}"
    cells: Sequence[str] = (
        f"{one.number}{' (front)' if on_front else ''}",
        f"{found.worst_case:.1%}",
        certified,
        f"{found.clean:.1%}",
        f"{found.lut:,}",
        f"{found.bram36:g}",
        f"{found.dsp}",
        f"{found.fps:,.0f}",
        f"{found.latency_us:.1f}",
        f"{found.predicted.lut:,.0f}",
    )
    row = "".join(f"<td>{cell}</td>" for cell in cells)
    text = html.escape(one.candidate.text() + (f"; breaks: {one.problem}" if one.problem else ""))
    command = html.escape(command_of(folder, config, one))
    return (
        f'<tr id="trial{one.number}">{row}</tr><tr class=command><td colspan={len(_HEAD)}>{text}'
        f"<br><code>{command}</code></td></tr>"
    )


def _refused(outcome: Outcome) -> str:
    if not outcome.refused:
        return "<p>None.</p>"
    lines = [f"<li>{html.escape(f'{one.text()}: {why}')}</li>" for one, why in outcome.refused]
    return f"<details><summary>{len(lines)}</summary><ul>{''.join(lines)}</ul></details>"
