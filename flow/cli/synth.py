# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""`steelflow synth`."""

from flow.cli.base import StepCommand

__all__ = ["COMMAND"]

COMMAND = StepCommand(
    name="synth",
    help="count LUT, FF, DSP and BRAM of each layer with Yosys",
    target="synth",
    result="synth",
)
