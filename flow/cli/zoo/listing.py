# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""`steelflow zoo list`."""

import argparse
from dataclasses import dataclass

from flow.cli.base import Command
from flow.cli.zoo.options import add_folder, chosen_folder
from flow.storage.files import json_text

__all__ = ["ACTION"]


@dataclass(frozen=True)
class ListCommand(Command):
    """Print a row for each trained network."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Declare --json and --folder."""
        parser.add_argument("--json", action="store_true", help="print a JSON list on stdout")
        add_folder(parser)

    def run(self, options: argparse.Namespace) -> int:
        """Print the rows."""
        from flow.zoo.tables import listed, model_table  # noqa: PLC0415 - imports torch

        rows = listed(chosen_folder(options))
        print(json_text(rows).rstrip() if options.json else model_table(rows))
        return 0


ACTION = ListCommand(name="list", help="list every network with what its card says")
