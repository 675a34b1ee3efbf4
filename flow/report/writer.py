# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""From measured results to report.json and index.html."""

from dataclasses import dataclass
from pathlib import Path

from flow.report.examples import Example
from flow.report.html import render_page
from flow.report.schema import Report
from flow.storage.files import replace_file

__all__ = ["ReportInputs", "write_report"]


@dataclass(frozen=True, kw_only=True)
class ReportInputs:
    """All that a report shows: its figures, and pictures that are not in report.json."""

    report: Report
    examples: tuple[Example, ...] = ()


def write_report(folder: Path, inputs: ReportInputs) -> Path:
    """Write report.json and index.html into the folder, and return the page's path.

    Both are rendered before either is written, and each replaces its predecessor at once, so a
    killed run leaves old files or new ones. The same inputs give the same bytes.
    """
    texts = {
        "report.json": inputs.report.to_json(),
        "index.html": render_page(inputs.report, inputs.examples),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        replace_file(folder / name, text.encode())
    return folder / "index.html"
