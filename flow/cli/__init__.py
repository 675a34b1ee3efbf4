# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The command `steelflow`: one module for each subcommand, and the exit status in one place.

Exit status: 0 done; 1 our own bug (with a traceback), or `doctor` found the core flow unable to
run, or `check` a figure that fell short; 2 something that the user can mend, said in one line;
130 interrupted; 143 terminated; 141 the reader of a pipe has left.
"""

import argparse
import errno
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import metadata

from flow.cli.encoding import ENCODING_OPTIONS
from flow.cli.registry import COMMANDS
from steelflow_names import one_line

__all__ = ["main"]

_DISK = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT}


class _TerminatedError(KeyboardInterrupt):
    """SIGTERM: to be taken like Ctrl-C."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand and return the exit status."""
    with _sigterm_like_ctrl_c():
        return _run(arguments)


@contextmanager
def _sigterm_like_ctrl_c() -> Iterator[None]:
    """Let what ends a job say what is saved; where another handler is set, that stays."""

    def stop(*_: object) -> None:
        raise _TerminatedError

    ours = threading.current_thread() is threading.main_thread()
    if not ours or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _run(arguments: Sequence[str] | None) -> int:
    flags: Mapping[str, str] = {}
    try:
        parsed = _parser().parse_args(arguments)
        flags = parsed.flags
        status = int(parsed.command.run(parsed))
        sys.stdout.flush()  # here, where a reader that has left can still be told
        return status
    except BrokenPipeError:  # `steelflow zoo list | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except KeyboardInterrupt as stop:
        saved = "".join(f"; {note}" for note in getattr(stop, "__notes__", ()))
        told = f"steelflow: interrupted{saved}; run the same command to resume"
        print(told, file=sys.stderr)
        return 143 if isinstance(stop, _TerminatedError) else 130
    except Exception as error:
        told = _mendable(error, flags)
        if not told:
            raise
        print(f"steelflow: error: {told}", file=sys.stderr)
        return 2


def _mendable(error: Exception, flags: Mapping[str, str]) -> str:
    """Return what the user can mend, in one line; nothing of our own bug."""
    from flow.errors import USER_ERRORS  # noqa: PLC0415 - keeps --help fast

    if isinstance(error, USER_ERRORS):
        return _in_terms_of_flags(error, flags)
    if isinstance(error, OSError) and error.errno in _DISK:
        where = "the disk" if error.filename is None else os.fsdecode(error.filename)
        return f"{where}: {error.strerror}; change its permissions, free space or choose another"
    return ""


def _in_terms_of_flags(error: BaseException, flags: Mapping[str, str]) -> str:
    """Return the message in one line, with the flags of the settings that mend it.

    A message that begins with the setting begins with its flag instead.
    """
    from flow.errors import SettingError  # noqa: PLC0415 - keeps --help fast

    message, cause = one_line(error), error
    while not isinstance(cause, SettingError) and cause.__cause__ is not None:
        cause = cause.__cause__
    settings = cause.settings if isinstance(cause, SettingError) else ()
    for setting in settings:
        if setting in flags and message.startswith((f"{setting} ", f"{setting}: ")):
            return flags[setting] + message.removeprefix(setting)
    found = [flags[setting] for setting in settings if setting in flags]
    return f"{message} ({', '.join(found)})" if found else message


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
        options.set_defaults(command=command, flags=_flags(options))
    return parser


def _flags(parser: argparse.ArgumentParser) -> dict[str, str]:
    """Return the flag of every setting that has one, those of subcommands too."""
    found: dict[str, str] = {}
    for action in parser._actions:  # argparse tells it nowhere else
        if isinstance(action, argparse._SubParsersAction):
            for one in action.choices.values():
                found |= _flags(one)
        elif action.option_strings:
            found[action.dest] = action.option_strings[-1]
            found[ENCODING_OPTIONS.get(action.dest, action.dest)] = action.option_strings[-1]
    return found
