# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The section of the report on the boards that judged the attacks."""

from markupsafe import Markup

from flow.report.rendering import render
from flow.report.schema import BoardRun, Report

__all__ = ["board"]


def board(report: Report) -> Markup:
    """Device, kernel, link, and the agreement with the integers; empty without a board."""
    if not report.boards:
        return Markup()
    return render("board.html", runs=[_run(report, run) for run in report.boards])


def _run(report: Report, run: BoardRun) -> dict[str, object]:
    tables = {"kernel": _kernel(report, run), "link": _link(run), "attacks": _attacks(report, run)}
    return {"network": run.network, **tables}


def _kernel(report: Report, run: BoardRun) -> list[list[str]]:
    found, alone = run.test_set, report.hardware.cycles_per_frame_measured
    clock = f"{run.clock_mhz:g} MHz" if run.clock_mhz else "none, a simulation"
    rows = [["device", run.board], ["digest", run.digest], ["clock", clock]]
    agree = f"{found.images - found.images_differ:,} of {found.images:,}"
    rows.append(["test images whose every logit is the integers'", agree])
    if found.cycles_per_image:
        more = found.cycles_per_image / alone - 1
        rows.append(["cycles an image, memory included", f"{found.cycles_per_image:,.1f}"])
        rows.append(["cycles an image, accelerator alone", f"{alone:,g} (kernel {more:+.2%})"])
    return rows


def _link(run: BoardRun) -> list[list[str]]:
    found = run.test_set
    return [
        ["images asked", f"{run.queries:,}"],
        ["requests", f"{run.requests:,}"],
        ["requests that were asked again", f"{run.retries:,}"],
        ["kernel's cycles", f"{run.cycles:,}"],
        ["seconds waited", f"{run.seconds:,.1f}"],
        ["of them on the link", f"{run.link_s:,.1f}"],
        ["test images a second", f"{found.images_per_second:,.1f}"],
        ["the link's share of that time", f"{found.link_share:.1%}"],
    ]


def _attacks(report: Report, run: BoardRun) -> list[list[str]]:
    return [
        [
            *(row.attack, str(row.epsilon_255), f"{row.accuracy:.1%}"),
            *(f"{row.board.queries:,}", f"{row.board.seconds:,.1f}"),
        ]
        for row in report.robust_accuracy
        if row.board and row.network == run.network
    ]
