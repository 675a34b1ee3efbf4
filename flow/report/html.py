# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The report's page: one HTML file that needs nothing else, readable on a phone and on paper."""

from collections.abc import Sequence
from html import escape
from importlib.resources import files

from flow.report import _sections
from flow.report._alone import alone
from flow.report._board import board
from flow.report._certified import certified, certified_tile
from flow.report.examples import Example
from flow.report.schema import Report, RobustRow

__all__ = ["headline_row", "render_page"]


def render_page(report: Report, examples: Sequence[Example]) -> str:
    """Return the page's text; sections without data are left out.

    A network that is compared with no other goes by the model's name.
    """
    if {row.network for row in report.robust_accuracy} == {report.deployed}:
        report, examples = alone(report, examples)
    style = files("flow.report").joinpath("page.css").read_text(encoding="utf-8")
    title = f"{report.model.name}: robustness and hardware"
    sections = (
        _sections.robustness(report),
        certified(report, _sections.strongest(report)),
        _sections.example_images(examples),
        _sections.amplification(report),
        _sections.agreement(report),
        _sections.hardware(report),
        board(report),
        _sections.training(report),
        _sections.provenance(report),
    )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<link rel="icon" href="data:,">\n'
        f"<title>{escape(title)}</title>\n<style>\n{style}</style></head>\n<body>\n"
        f"{_header(report)}<main>\n{''.join(sections)}</main>\n</body></html>\n"
    )


def headline_row(report: Report) -> RobustRow:
    """Return the robust network's row where the strongest attack separates the networks most.

    Without a plain network: the row of the strength that the settings claim (rtlsim.epsilon_255),
    or of the largest epsilon of what there is.
    """
    rows = [row for row in report.robust_accuracy if row.attack == _sections.strongest(report)]
    plain = {row.epsilon_255: row.accuracy for row in rows if row.network == report.compared}
    if not plain:
        claimed = report.settings.get("rtlsim", {}).get("epsilon_255")
        return max(rows, key=lambda r: (r.epsilon_255 == claimed, r.epsilon_255))
    robust = [row for row in rows if row.network == report.deployed] or rows
    return max(
        robust, key=lambda r: (plain.get(r.epsilon_255, 0.0) * -1 + r.accuracy, r.epsilon_255)
    )


def _header(report: Report) -> str:
    model, hardware = report.model, report.hardware
    bits = f"{_span(model.weight_bits)}-bit weights, {_span(model.activation_bits)}-bit activations"
    shape = "x".join(str(size) for size in model.input_shape or ())
    lead = ", ".join(
        part for part in (f"{model.dataset} {shape}".strip(), model.layers, bits) if part
    )
    tiles = "".join(
        f"<div class='tile'><dt>{escape(name)}</dt><dd>{escape(figure)}</dd>"
        f"<dd>{escape(note)}</dd></div>\n"
        for name, figure, note in _tiles(report)
    )
    return (
        f"<header><h1>{escape(model.name)}</h1>"
        f"<p>{escape(lead)}; {escape(hardware.part)} at {hardware.clock_mhz:g} MHz</p>\n"
        f"<dl class='tiles'>{tiles}</dl></header>\n"
    )


def _span(bits: Sequence[int]) -> str:
    low, high = min(bits, default=0), max(bits, default=0)
    return f"{low}" if low == high else f"{low} to {high}"


def _names(report: Report) -> tuple[str, str]:
    return report.deployed, report.compared or ""


def _clean_tile(report: Report) -> tuple[str, str, str]:
    """Return the accuracy on the whole test set; of the compared images in an older report."""
    whole, plain = (report.test_set.get(name) for name in _names(report))
    shown = report.accuracy.integer if whole is None else whole.accuracy
    other = report.plain_accuracy if plain is None else plain.accuracy
    notes = []
    if whole is not None:
        low, high = whole.ci95
        notes.append(f"of {whole.images:,} test images, 95% interval {low:.1%} to {high:.1%}")
    if other is not None:
        notes.append(f"plain {other:.1%}")
    return "Clean accuracy", f"{shown:.1%}", "; ".join(notes)


def _tiles(report: Report) -> list[tuple[str, str, str]]:
    row, hardware = headline_row(report), report.hardware
    plain = [
        other.accuracy
        for other in report.robust_accuracy
        if other.network == report.compared
        and (other.attack, other.epsilon_255) == (row.attack, row.epsilon_255)
    ]
    differ = sum(item.logits_differ or 0 for _, item in report.agreement.items())
    used = hardware.resources
    share = f"{used.lut / hardware.capacity.lut:.0%} of the part" if hardware.capacity else ""
    proven = certified_tile(report, row.epsilon_255)
    return [
        _clean_tile(report),
        (
            f"{row.attack.upper()}-{row.steps} at {row.epsilon_255}/255",
            f"{row.accuracy:.1%}",
            f"plain {plain[0]:.1%}" if plain else "",
        ),
        *([proven] if proven else []),
        (
            "Logits that differ",
            f"{differ}",
            f"RTL checked on {report.agreement.integer_vs_rtlsim.images} images",
        ),
        (
            "Frames a second",
            f"{hardware.frames_per_second:,.0f}",
            f"{hardware.cycles_per_frame_measured:,g} cycles each",
        ),
        ("LUT", f"{used.lut:,}", share),
    ]
