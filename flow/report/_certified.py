# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What is proven, between what is certified and what the attacks leave."""

from collections.abc import Mapping

from markupsafe import Markup

from flow.report import figures
from flow.report.rendering import render
from flow.report.schema import CertifiedRow, Report, RobustRow

__all__ = ["certified", "certified_tile"]


def certified(report: Report, attack: str) -> Markup:
    """Robust accuracy from both sides against epsilon, with the attack's figures above."""
    rows = sorted(report.certified, key=lambda row: row.epsilon_255)
    if not rows:
        return Markup()
    names = {row.network for row in rows}
    left = {
        row.epsilon_255: row
        for row in report.robust_accuracy
        if row.attack == attack and row.network in names
    }
    return render(
        "certified.html",
        svg=figures.certified_figure(rows, list(left.values())),
        alt="; ".join(f"{r.certified:.0%} certified at epsilon {r.epsilon_255}" for r in rows),
        rows=[_cells(row, left) for row in rows],
    )


def _cells(row: CertifiedRow, left: Mapping[int, RobustRow]) -> list[str]:
    attacked = left.get(row.epsilon_255)
    shown = "" if attacked is None else f"{attacked.accuracy:.1%}"
    if attacked is not None and attacked.images != row.images:
        shown += f" of {attacked.images:,}"
    return [
        *(str(row.epsilon_255), f"{row.images:,}", f"{row.certified:.1%}", f"{row.unknown:,}"),
        *(f"{row.possible:.1%}", shown),
    ]


def certified_tile(report: Report, epsilon_255: int) -> tuple[str, str, str] | None:
    """Return title, figure and note of the proof at a radius; None where there is none."""
    for row in report.certified:
        if row.epsilon_255 == epsilon_255 and row.images:
            bound = f"at most {row.possible:.1%}" if row.unknown else "exact"
            note = f"{bound}, of {row.images:,} test images"
            return f"Certified at {epsilon_255}/255", f"{row.certified:.1%}", note
    return None
