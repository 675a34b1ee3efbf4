# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""`steelflow rtlsim`."""

from flow.cli.base import StepCommand

__all__ = ["COMMAND"]

COMMAND = StepCommand(
    name="rtlsim",
    help="simulate the accelerator cycle by cycle with Verilator",
    target="rtlsim",
    result="rtlsim",
)
