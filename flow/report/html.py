# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The report's page: one HTML file that needs nothing else, readable on a phone and on paper."""

from collections.abc import Sequence

from flow.report import _sections
from flow.report._alone import alone
from flow.report._board import board
from flow.report._certified import certified, certified_tile
from flow.report.examples import Example
from flow.report.rendering import render
from flow.report.schema import Report, RobustRow

__all__ = ["headline_row", "render_page"]


def render_page(report: Report, examples: Sequence[Example]) -> str:
    """Return the page's text; sections without data are left out.

    A network that is compared with no other goes by the model's name.
    """
    if {row.network for row in report.robust_accuracy} == {report.deployed}:
        report, examples = alone(report, examples)
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
    shown = [section for section in sections if section]
    values = {"lead": _lead(report), "tiles": _tiles(report), "sections": shown}
    return str(render("page.html", report=report, **values))


def headline_row(report: Report) -> RobustRow:
    """Return the deployed network's row where the strongest attack separates the networks most.

    Without one to compare with: the row of the strength that the settings claim
    (rtlsim.epsilon_255), or of the largest epsilon of what there is.
    """
    rows = [row for row in report.robust_accuracy if row.attack == _sections.strongest(report)]
    other = {row.epsilon_255: row.accuracy for row in rows if row.network == report.compared}
    if not other:
        claimed = report.settings.get("rtlsim", {}).get("epsilon_255")
        return max(rows, key=lambda r: (r.epsilon_255 == claimed, r.epsilon_255))
    own = [row for row in rows if row.network == report.deployed] or rows
    return max(own, key=lambda r: (r.accuracy - other.get(r.epsilon_255, 0.0), r.epsilon_255))


def _lead(report: Report) -> str:
    model = report.model
    bits = f"{_span(model.weight_bits)}-bit weights, {_span(model.activation_bits)}-bit activations"
    shape = "x".join(str(size) for size in model.input_shape or ())
    parts = (f"{model.dataset} {shape}".strip(), model.layers, bits)
    return ", ".join(part for part in parts if part)


def _span(bits: Sequence[int]) -> str:
    low, high = min(bits, default=0), max(bits, default=0)
    return f"{low}" if low == high else f"{low} to {high}"


def _clean_tile(report: Report) -> tuple[str, str, str]:
    """Return the accuracy on the whole test set; of the compared images in an older report."""
    whole = report.test_set.get(report.deployed)
    compared = report.test_set.get(report.compared or "")
    shown = report.accuracy.integer if whole is None else whole.accuracy
    other = report.plain_accuracy if compared is None else compared.accuracy
    notes = []
    if whole is not None:
        low, high = whole.ci95
        notes.append(f"of {whole.images:,} test images, 95% interval {low:.1%} to {high:.1%}")
    if other is not None:
        notes.append(f"{report.compared} {other:.1%}")
    return "Clean accuracy", f"{shown:.1%}", "; ".join(notes)


def _tiles(report: Report) -> list[tuple[str, str, str]]:
    row, hardware = headline_row(report), report.hardware
    other = [
        found.accuracy
        for found in report.robust_accuracy
        if found.network == report.compared
        and (found.attack, found.epsilon_255) == (row.attack, row.epsilon_255)
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
            f"{report.compared} {other[0]:.1%}" if other else "",
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
