# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""`steelflow report`."""

from flow.cli.base import StepCommand

__all__ = ["COMMAND"]

COMMAND = StepCommand(
    name="report",
    help="write report.json and index.html",
    target="report",
    result="report/index.html",
)
