# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""`steelflow bench cluster`: what dividing work costs beside the work itself."""

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flow.bench.benchmark import Benchmark
from flow.errors import SettingError
from flow.tables import Row

if TYPE_CHECKING:
    from flow.cluster import Cluster

__all__ = ["CLUSTER"]

_SHORT = 200  # empty tasks, for the rate


@dataclass(frozen=True)
class ClusterBenchmark(Benchmark):
    """One row for each place to compute."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Declare the places, and how many tasks of which length."""
        parser.add_argument(
            "--places",
            nargs="+",
            metavar="WHERE",
            default=["1", "2", "local:2"],
            help="as --cluster of other commands (default: 1 2 local:2)",
        )
        parser.add_argument(
            "--tasks", type=int, metavar="N", default=20, help="a place (default: 20)"
        )
        parser.add_argument(
            "--task-s",
            type=float,
            metavar="S",
            default=1.0,
            help="seconds that a task waits, computing nothing (default: 1)",
        )

    def rows(self, options: argparse.Namespace) -> Iterator[Row]:
        """Time the tasks where the workers have started already."""
        if options.tasks < 1:
            raise SettingError(f"tasks {options.tasks}: give at least 1", "tasks")
        from flow.cluster import open_cluster  # noqa: PLC0415 - imports torch

        for place in options.places:
            with open_cluster(place) as cluster:
                yield _row(place, cluster, options.tasks, options.task_s)


def _row(place: str, cluster: "Cluster", tasks: int, task_s: float) -> Row:
    workers = int(place.rsplit(":", 1)[-1]) if place.rsplit(":", 1)[-1].isdecimal() else 1
    _timed(cluster, 2 * workers, 0.0)  # starts them
    seconds, short_s = _timed(cluster, tasks, task_s), _timed(cluster, _SHORT, 0.0)
    ideal = -(-tasks // workers) * task_s
    return {
        "place": place,
        "tasks": tasks,
        "task_s": task_s,
        "seconds": round(seconds, 3),
        "overhead": f"{seconds / ideal - 1:.1%}",
        "empty_tasks_per_s": round(_SHORT / short_s, 1),
    }


def _timed(cluster: "Cluster", tasks: int, task_s: float) -> float:
    from flow.cluster import Work  # noqa: PLC0415 - imports NumPy

    work: Work[int, int] = Work(name="wait", version=1, do=_wait, shared=task_s)
    start = time.perf_counter()
    found = list(cluster.map(work, range(tasks), total=tasks, title="tasks"))
    assert found == list(range(tasks))
    return time.perf_counter() - start


def _wait(task_s: float, item: int) -> int:
    time.sleep(task_s)
    return item


CLUSTER = ClusterBenchmark(
    name="cluster", help="time tasks that only wait on processes and on a Dask scheduler"
)
