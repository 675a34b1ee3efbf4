# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The subcommands, in the order of the help."""

from flow.cli import (
    bench,
    bitstream,
    boards,
    certify,
    check,
    doctor,
    experiment,
    package,
    parts,
    rtlsim,
    search,
    simulate,
    steps,
    synth,
    zoo,
)
from flow.cli import compile as compile_
from flow.cli.base import Command

__all__ = ["COMMANDS"]

COMMANDS: tuple[Command, ...] = (
    steps.RUN,
    steps.TRAIN,
    steps.EXPORT,
    compile_.COMMAND,
    steps.VERIFY,
    simulate.COMMAND,
    rtlsim.COMMAND,
    synth.COMMAND,
    bitstream.COMMAND,
    package.COMMAND,
    boards.COMMAND,
    parts.COMMAND,
    steps.ATTACK,
    certify.COMMAND,
    steps.REPORT,
    check.COMMAND,
    search.COMMAND,
    experiment.COMMAND,
    zoo.COMMAND,
    bench.COMMAND,
    doctor.COMMAND,
)
