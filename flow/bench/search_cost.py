# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""`steelflow bench search-cost`: the cost model of a search beside synthesis and simulation."""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

from flow.bench.benchmark import Benchmark
from flow.cluster.options import add_cluster, cluster_of
from flow.errors import SettingError
from flow.tables import Row

__all__ = ["SEARCH_COST"]


@dataclass(frozen=True)
class SearchCostBenchmark(Benchmark):
    """One row a candidate, then one with the errors of all."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Declare how many, from which seed, and the workers."""
        parser.add_argument(
            "--count", type=int, default=20, metavar="N", help="candidates (default: 20)"
        )
        parser.add_argument(
            "--seed", type=int, default=0, metavar="N", help="of the first (default: 0)"
        )
        add_cluster(parser)

    def rows(self, options: argparse.Namespace) -> Iterator[Row]:
        """Predict, compile, simulate noise and synthesise."""
        from flow.bench.cost_check import check_costs  # noqa: PLC0415 - imports FINN

        if options.count < 1:
            raise SettingError(f"count {options.count}: give at least 1", "count")
        with cluster_of(options) as cluster:
            seeds = range(options.seed, options.seed + options.count)
            yield from check_costs(seeds, cluster)


SEARCH_COST = SearchCostBenchmark(
    name="search-cost",
    help="compare predicted LUTs, block RAMs, DSPs and cycles with Yosys and RTL",
)
