# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""`steelflow search`."""

import argparse
from dataclasses import dataclass
from pathlib import Path

from flow.cli.base import Command, add_data, shown
from flow.cluster.options import add_cluster, cluster_of
from flow.tables import as_table

__all__ = ["COMMAND"]


@dataclass(frozen=True)
class SearchCommand(Command):
    """Search a space of networks for the best that fit."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Declare the configuration, the folders and the workers."""
        parser.add_argument("config", metavar="CONFIG", type=Path, help="YAML file of the search")
        parser.add_argument(
            "--output",
            metavar="DIR",
            type=Path,
            help="folder of the results (default: build/NAME, with the name that CONFIG gives)",
        )
        parser.add_argument(
            "--compare",
            action="store_true",
            help="then search the same space at random and with uniform bits, for as many "
            "trainings, and show the hypervolumes",
        )
        add_data(parser)
        add_cluster(parser)

    def run(self, options: argparse.Namespace) -> int:
        """Search, or go on; print the front, and name the page and best.yaml."""
        from flow.search.settings import load_search  # noqa: PLC0415 - keeps --help fast

        config = load_search(options.config)
        folder = options.output or Path("build", config.name)
        from flow.search.compare import compared, rivals  # noqa: PLC0415 - imports torch and FINN
        from flow.search.page import write_outcome  # noqa: PLC0415 - too
        from flow.search.search import search  # noqa: PLC0415 - too
        from flow.search.tables import front_table  # noqa: PLC0415 - too

        with cluster_of(options) as cluster:
            outcome = search(config, cluster, folder, data=options.data)
            others = {
                name: search(other, cluster, folder / other.name, data=options.data)
                for name, other in (rivals(config) if options.compare else {}).items()
            }
        best = write_outcome(folder, config, outcome, others)
        print(front_table(outcome))
        if others:
            print(as_table(compared(config, {"this one": outcome, **others})))
        print(f"search: {shown((folder / 'index.html').resolve())}")
        if best is not None:
            print(f"best: {shown(best.resolve())}")
        return 0


COMMAND = SearchCommand(
    name="search", help="search bits, shape, folding and training for the best networks that fit"
)
