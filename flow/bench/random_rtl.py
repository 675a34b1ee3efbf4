# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""`steelflow bench random`: random small networks, their RTL against the integers."""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from flow.bench.benchmark import Benchmark
from flow.cluster.options import add_cluster, cluster_of
from flow.errors import SettingError
from flow.tables import Row

__all__ = ["RANDOM"]


@dataclass(frozen=True)
class RandomBenchmark(Benchmark):
    """One row a network; the first that fails is shrunk and ends the run."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Declare how many networks, or which one."""
        parser.add_argument(
            "--count", type=int, default=200, metavar="N", help="networks (default: 200)"
        )
        parser.add_argument(
            "--seed", type=int, default=0, metavar="N", help="of the first network (default: 0)"
        )
        add_cluster(parser)
        parser.add_argument(
            "--log",
            type=Path,
            metavar="FILE",
            help="add a line of JSON a network; those that are in it already are not run again",
        )
        parser.add_argument(
            "--spec", metavar="JSON", help="this network alone, as an error gave it"
        )

    def rows(self, options: argparse.Namespace) -> Iterator[Row]:
        """Compile and simulate."""
        from flow.bench.random_check import check_all, check_one  # noqa: PLC0415 - imports FINN

        if options.count < 1:
            raise SettingError(f"count {options.count}: give at least 1", "count")
        if options.spec:
            yield check_one(options.spec)
        else:
            seeds = range(options.seed, options.seed + options.count)
            with cluster_of(options) as cluster:
                yield from check_all(seeds, cluster, options.log)


RANDOM = RandomBenchmark(
    name="random", help="check the RTL of random small networks, bit for bit and cycle for cycle"
)
