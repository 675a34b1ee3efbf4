# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""`steelflow bench`."""

import argparse
from dataclasses import dataclass
from pathlib import Path

from flow.cli.base import Command
from flow.cli.json_file import check_json, write_json

__all__ = ["COMMAND"]


@dataclass(frozen=True)
class BenchCommand(Command):
    """Run one benchmark, print its table and write its rows."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Declare the benchmarks and their options."""
        from flow.bench.registry import BENCHMARKS  # noqa: PLC0415 - registry of subcommands

        benches = parser.add_subparsers(title="benchmarks", metavar="BENCHMARK", required=True)
        for benchmark in BENCHMARKS:
            options = benches.add_parser(
                benchmark.name, help=benchmark.help, description=benchmark.help
            )
            benchmark.add_options(options)
            options.add_argument(
                "--json", metavar="FILE", type=Path, help="write the rows there, as a JSON list"
            )
            options.set_defaults(benchmark=benchmark)

    def run(self, options: argparse.Namespace) -> int:
        """Measure; each row is written as soon as it is known, the table comes at the end."""
        from flow.tables import as_table  # noqa: PLC0415 - keeps --help fast

        check_json(options.json)
        rows = []
        for row in options.benchmark.rows(options):
            rows.append(row)
            write_json(options.json, rows)
        print(as_table(rows))
        return 0


COMMAND = BenchCommand(
    name="bench", help="measure ours beside the rivals, in one run, and print the ratios"
)
