# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""`steelflow compile`."""

from flow.cli.base import StepCommand

__all__ = ["COMMAND"]

COMMAND = StepCommand(
    name="compile",
    help="turn the QONNX model into an accelerator in RTL with FINN",
    target="compile",
    result="compile",
)
