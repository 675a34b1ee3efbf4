# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What a search leaves in its folder: the page, the run of each finalist, and best.yaml."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from flow.report.rendering import render
from flow.search.candidate import Candidate, run_document
from flow.search.compare import compared
from flow.search.cost import Cost
from flow.search.picture import picture
from flow.search.search import Finalist, Outcome
from flow.search.settings import SearchConfig
from flow.search.trials import Scores
from flow.storage.files import replace_file

__all__ = ["command_of", "write_outcome"]

_PAGE = "index.html"
_HEAD = (
    *("trial", "worst case", "certified", "clean", "LUT", "BRAM", "DSP", "frames/s"),
    *("latency, us", "LUT predicted", "logits that differ"),
)
_BRIEF = ("network", "worst case", "clean", "LUT predicted", "BRAM", "frames/s")


def write_outcome(
    folder: Path,
    config: SearchConfig,
    outcome: Outcome,
    rivals: Mapping[str, Outcome] | None = None,
) -> Path | None:
    """Write index.html, runs/NAME.yaml for each finalist, and best.yaml if there is a front.

    Args:
        folder: where to.
        config: of the search.
        outcome: what it has found.
        rivals: what other ways to search have found in the same space, by their names.

    Returns:
        The path of best.yaml.
    """
    runs = folder / "runs"
    runs.mkdir(parents=True, exist_ok=True)
    for one in outcome.finalists:
        _write_run(runs / f"{_name(config, one)}.yaml", config, one)
    replace_file(folder / _PAGE, _page(folder, config, outcome, rivals or {}).encode())
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


def _page(
    folder: Path, config: SearchConfig, outcome: Outcome, rivals: Mapping[str, Outcome]
) -> str:
    chosen = [*outcome.front, *(one for one in outcome.finalists if one not in outcome.front)]
    values = {
        "config": config,
        "outcome": outcome,
        "svg": picture(config, outcome, rivals),
        "compared": _compared(config, outcome, rivals) if rivals else [],
        "head": [name for name in _HEAD if config.final.certify_images or name != "certified"],
        "rows": [_row(folder, config, one, one in outcome.front) for one in chosen],
        "brief_head": _BRIEF,
        "brief": [_brief(*one) for one in outcome.tried],
        "refused": [(one.text(), why) for one, why in outcome.refused],
    }
    return str(render("search.html", "flow.search", **values))


def _brief(candidate: Candidate, cost: Cost, scores: Scores) -> tuple[str, ...]:
    return (
        candidate.text(),
        f"{scores.worst_case:.1%}",
        f"{scores.clean:.1%}",
        f"{cost.lut:,.0f}",
        f"{cost.bram36:g}",
        f"{cost.fps:,.0f}",
    )


def _compared(
    config: SearchConfig, outcome: Outcome, rivals: Mapping[str, Outcome]
) -> list[tuple[object, ...]]:
    rows = compared(config, {"this one": outcome, **rivals})
    return [(*list(row.values())[:-1], f"{row['worst_case']:.1%}") for row in rows]


def _row(folder: Path, config: SearchConfig, one: Finalist, on_front: bool) -> dict[str, Any]:
    found = one.measured
    cells = (
        f"{found.worst_case:.1%}",
        *(() if found.certified is None else (f"{found.certified:.1%}",)),
        f"{found.clean:.1%}",
        f"{found.lut:,}",
        f"{found.bram36:g}",
        f"{found.dsp}",
        f"{found.fps:,.0f}",
        f"{found.latency_us:.1f}",
        f"{found.predicted.lut:,.0f}",
        f"{found.logits_differ}",
    )
    return {
        "number": one.number,
        "on_front": on_front,
        "cells": cells,
        "text": one.candidate.text() + (f"; breaks: {one.problem}" if one.problem else ""),
        "command": command_of(folder, config, one),
    }
