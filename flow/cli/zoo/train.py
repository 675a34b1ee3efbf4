# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""`steelflow zoo train`."""

import argparse
from dataclasses import dataclass
from pathlib import Path

from flow.cli.base import Command, add_data, shown
from flow.cli.zoo.options import add_name

__all__ = ["ACTION"]


@dataclass(frozen=True)
class TrainCommand(Command):
    """Train a network by its recipe and write its files."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Declare the folders and the attacked images."""
        add_name(parser)
        parser.add_argument(
            "--output",
            metavar="DIR",
            type=Path,
            default=Path("build", "zoo"),
            help="folder of NAME.npz, its card NAME.yaml, and NAME.state, from which an "
            "interrupted training goes on (default: build/zoo)",
        )
        parser.add_argument(
            "--images",
            type=int,
            metavar="N",
            default=1000,
            help="test images attacked for the card of a robust network (default: 1000; 0: none)",
        )
        add_data(parser)

    def run(self, options: argparse.Namespace) -> int:
        """Train; print the card's row and name the files."""
        from flow.zoo.tables import model_row, model_table  # noqa: PLC0415 - imports torch
        from flow.zoo.training import train_and_save  # noqa: PLC0415 - imports torch

        found = train_and_save(options.name, options.data, options.output, attacked=options.images)
        print(model_table([model_row(found)]))
        place = shown(options.output / found.name)
        print(f"zoo train: {place}.npz, its card {place}.yaml")
        return 0


ACTION = TrainCommand(name="train", help="train a network again, with the seed of its card")
