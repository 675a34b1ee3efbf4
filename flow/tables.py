# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Rows of figures as plain text."""

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["Row", "as_table"]

Row = Mapping[str, Any]


def as_table(rows: Sequence[Row]) -> str:
    """Return rows as a plain text table with a header, numbers to the right."""
    if not rows:
        return "no rows"
    header = list(rows[0])
    cells = [[_shown(row[key]) for key in header] for row in rows]
    widths = [max(len(line[i]) for line in [header, *cells]) for i in range(len(header))]
    numeric = [isinstance(rows[0][key], int | float) for key in header]
    lines = [
        "  ".join(
            text.rjust(width) if right else text.ljust(width)
            for text, width, right in zip(line, widths, numeric, strict=True)
        ).rstrip()
        for line in [header, *cells]
    ]
    return "\n".join(lines)


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) and abs(value) >= 10_000 else str(value)
