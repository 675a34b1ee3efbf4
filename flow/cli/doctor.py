# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""`steelflow doctor`."""

import argparse
from dataclasses import dataclass

from flow.cli.base import Command
from flow.storage.files import json_text

__all__ = ["COMMAND"]


@dataclass(frozen=True)
class DoctorCommand(Command):
    """List tools and packages, and what can be done with them."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Declare --json."""
        parser.add_argument("--json", action="store_true", help="print JSON (default: a table)")

    def run(self, options: argparse.Namespace) -> int:
        """Print the diagnosis; the status is 1 when `steelflow run` cannot work here."""
        from flow.doctor import as_text, diagnose  # noqa: PLC0415 - keeps --help fast

        diagnosis = diagnose()
        print(
            json_text(diagnosis.as_json(), indent=2).rstrip()
            if options.json
            else as_text(diagnosis)
        )
        return 0 if diagnosis.core_flow_can_run else 1


COMMAND = DoctorCommand(
    name="doctor",
    help="list every tool and package with its version, and what is possible with it",
)
