# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Pieces of HTML; every text that comes in is escaped here, except what is named html or svg."""

from collections.abc import Iterable, Sequence
from html import escape

__all__ = ["Html", "details", "figure", "image", "section", "table"]


class Html(str):
    """Text that is HTML already and is not escaped again."""

    __slots__ = ()


def section(title: str, lead: str, *html: str) -> str:
    """Return a section with a heading and a sentence that says what it shows."""
    body = "\n".join(part for part in html if part)
    return f"<section><h2>{escape(title)}</h2><p>{escape(lead)}</p>\n{body}</section>\n"


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table that scrolls by itself on a narrow screen; its first column names the row."""
    columns = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    body = "\n".join(_row(row) for row in rows)
    name = escape(caption, quote=True)
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{name}">'
        f"<table><caption>{name}</caption><thead><tr>{columns}</tr></thead>\n"
        f"<tbody>{body}</tbody></table></div>\n"
    )


def _row(cells: Sequence[str]) -> str:
    first, *others = (cell if isinstance(cell, Html) else escape(cell) for cell in cells)
    tail = "".join(f"<td>{cell}</td>" for cell in others)
    return f'<tr><th scope="row">{first}</th>{tail}</tr>'


def figure(svg: str, alt: str, caption: str) -> str:
    """Return a picture with its text for those who do not see it, and a caption."""
    labelled = svg.replace("<svg", f'<svg role="img" aria-label="{escape(alt, quote=True)}"', 1)
    return f"<figure>{labelled}<figcaption>{escape(caption)}</figcaption></figure>\n"


def image(data_uri: str, alt: str, below: str = "", *, mark: str = "") -> Html:
    """Return an image of few pixels, enlarged without smoothing; the text below has class mark."""
    name = escape(alt, quote=True)
    text = f'<span class="{mark}">{escape(below)}</span>' if mark else escape(below)
    return Html(f'<img class="pixels" src="{data_uri}" alt="{name}">{text}')


def details(summary: str, html: str) -> str:
    """Return what opens on demand."""
    return f"<details><summary>{escape(summary)}</summary>{html}</details>\n"
