# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The subcommands, in the order of the help."""

from flow.cli import (
    attack,
    bench,
    bitstream,
    boards,
    certify,
    check,
    doctor,
    experiment,
    export,
    package,
    parts,
    report,
    rtlsim,
    run,
    search,
    simulate,
    synth,
    train,
    verify,
    zoo,
)
from flow.cli import compile as compile_
from flow.cli.base import Command

__all__ = ["COMMANDS"]

COMMANDS: tuple[Command, ...] = (
    run.COMMAND,
    train.COMMAND,
    export.COMMAND,
    compile_.COMMAND,
    verify.COMMAND,
    simulate.COMMAND,
    rtlsim.COMMAND,
    synth.COMMAND,
    bitstream.COMMAND,
    package.COMMAND,
    boards.COMMAND,
    parts.COMMAND,
    attack.COMMAND,
    certify.COMMAND,
    report.COMMAND,
    check.COMMAND,
    search.COMMAND,
    experiment.COMMAND,
    zoo.COMMAND,
    bench.COMMAND,
    doctor.COMMAND,
)
