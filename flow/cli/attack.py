# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""`steelflow attack`."""

from flow.cli.base import StepCommand

__all__ = ["COMMAND"]

COMMAND = StepCommand(
    name="attack",
    help="attack the integer networks and measure robust accuracy",
    target="attack",
    result="attack",
    attacks=True,
)
