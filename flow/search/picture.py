# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The picture of a search: a point a finalist, whose text a pointer shows and a click opens."""

import html

from flow.search.search import Finalist, Outcome
from flow.search.settings import SearchConfig

__all__ = ["picture"]

_WIDTH, _HEIGHT, _MARGIN = 760.0, 380.0, 56.0
_TICKS = 5


def picture(config: SearchConfig, outcome: Outcome) -> str:
    """Return an SVG: the worst case over the LUTs, each as measured."""
    points = [(float(one.measured.lut), one.measured.worst_case) for one in outcome.finalists]
    if not points:
        return "<p>No candidate was left.</p>"
    most = max(x for x, _ in points) * 1.1
    dots = "".join(
        _dot(one, _place(point, most), one in outcome.front)
        for one, point in zip(outcome.finalists, points, strict=True)
    )
    title = f"worst case at {config.epsilon_255}/255 over LUT"
    return (
        f'<svg viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}" role="img" aria-label="{title}">'
        f'{_axes(most)}{dots}<text x="{_WIDTH / 2:g}" y="16" text-anchor="middle" '
        f'font-size="14">{title}</text></svg>'
    )


def _place(point: tuple[float, float], most: float) -> tuple[float, float]:
    x = _MARGIN + point[0] / most * (_WIDTH - 2 * _MARGIN)
    return x, _HEIGHT - _MARGIN - point[1] * (_HEIGHT - 2 * _MARGIN)


def _dot(one: Finalist, place: tuple[float, float], on_front: bool) -> str:
    found = one.measured
    told = html.escape(
        f"trial {one.number}: worst case {found.worst_case:.1%}, {found.lut:,} LUT; "
        f"{one.candidate.text()}"
    )
    fill = "#0b6e99" if on_front else "#ffffff"
    return (
        f'<a href="#trial{one.number}"><circle cx="{place[0]:.1f}" cy="{place[1]:.1f}" r="6" '
        f'fill="{fill}" stroke="#0b6e99" stroke-width="2"><title>{told}</title></circle></a>'
    )


def _axes(most: float) -> str:
    lines = []
    for step in range(_TICKS + 1):
        share = step / _TICKS
        x, y = _place((share * most, share), most)
        base, left = _HEIGHT - _MARGIN, _MARGIN
        lines += [
            f'<line x1="{left:g}" x2="{_WIDTH - _MARGIN:g}" y1="{y:.1f}" y2="{y:.1f}" '
            'stroke="#d9dee3"/>',
            f'<text x="{left - 6:g}" y="{y + 4:.1f}" text-anchor="end" font-size="12">'
            f"{share:.0%}</text>",
            f'<text x="{x:.1f}" y="{base + 18:g}" text-anchor="middle" font-size="12">'
            f"{share * most:,.0f}</text>",
        ]
    return "".join(lines)
