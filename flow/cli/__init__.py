# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The command `steelflow`: one module for each subcommand, and the exit status in one place.

Exit status: 0 done; 1 our own bug (with a traceback), or `doctor` found the core flow unable to
run; 2 something that the user can mend, said in one line; 130 interrupted;
141 the reader of a pipe has left.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import metadata

from flow.cli.encoding import ENCODING_OPTIONS
from flow.cli.registry import COMMANDS

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand and return the exit status."""
    parsed = argparse.Namespace()
    try:
        _parser().parse_args(arguments, parsed)
        status = int(parsed.command.run(parsed))
        sys.stdout.flush()  # here, where a reader that has left can still be told
        return status
    except BrokenPipeError:  # `steelflow zoo list | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except KeyboardInterrupt:
        print("steelflow: interrupted; run the same command to resume", file=sys.stderr)
        return 130
    except Exception as error:
        from flow.errors import USER_ERRORS, SettingError  # noqa: PLC0415 - keeps --help fast

        if not isinstance(error, USER_ERRORS):
            raise
        said = " ".join(str(error).split())
        flags = _flags(error.settings, parsed) if isinstance(error, SettingError) else ""
        print(f"steelflow: error: {said}{flags}", file=sys.stderr)
        return 2


def _flags(settings: Sequence[str], options: argparse.Namespace) -> str:
    """Return the flags of the command for these settings, in brackets."""
    fields = {field: name for name, field in ENCODING_OPTIONS.items()}
    names = [fields.get(setting, setting) for setting in settings]
    flags = [f"--{name.replace('_', '-')}" for name in names if hasattr(options, name)]
    return f" ({', '.join(flags)})" if flags else ""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="steelflow",
        description="Robust quantized CNNs from Brevitas training to an FPGA accelerator.",
        epilog="A step runs the steps that it needs, resumes where it was interrupted, "
        "and is skipped when nothing that it depends on has changed.",
    )
    parser.add_argument("--version", action="version", version=metadata.version("steelflow"))
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in COMMANDS:
        options = commands.add_parser(command.name, help=command.help, description=command.help)
        command.add_options(options)
        options.set_defaults(command=command)
    return parser
