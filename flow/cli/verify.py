# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""`steelflow verify`."""

from flow.cli.base import StepCommand

__all__ = ["COMMAND"]

COMMAND = StepCommand(
    name="verify",
    help="compare every engine on the same images, exactly",
    target="verify",
    result="verify",
)
