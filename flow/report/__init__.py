# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The report of a run: report.json for programs, and one self-contained page for people."""

from flow.report.examples import Attacked, Example, pick_examples
from flow.report.schema import Report, parse_report
from flow.report.writer import ReportInputs, write_report

__all__ = [
    "Attacked",
    "Example",
    "Report",
    "ReportInputs",
    "parse_report",
    "pick_examples",
    "write_report",
]
