# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""`steelflow bench cluster`: what dividing work costs beside the work itself."""

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

from flow.bench.benchmark import Benchmark
from flow.errors import SettingError
from flow.tables import Row

if TYPE_CHECKING:
    from flow.cluster import Cluster

__all__ = ["CLUSTER"]

_SHORT = 200  # empty tasks, for the rate


@dataclass(frozen=True)
class ClusterBenchmark(Benchmark):
    """One row for each place to compute; CPU time is of this process and all that it started."""

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
        parser.add_argument(
            "--compute",
            action="store_true",
            help="let tasks compute for so many seconds of CPU time instead, as useful work does",
        )

    def rows(self, options: argparse.Namespace) -> Iterator[Row]:
        """Time the tasks where the workers have started already."""
        if options.tasks < 1:
            raise SettingError(f"tasks {options.tasks}: give at least 1", "tasks")
        from flow.cluster import open_cluster  # noqa: PLC0415 - imports torch

        for place in options.places:
            with open_cluster(place) as cluster:
                yield _row(place, cluster, options.tasks, options.task_s, compute=options.compute)


def _row(place: str, cluster: "Cluster", tasks: int, task_s: float, *, compute: bool) -> Row:
    workers = int(place.rsplit(":", 1)[-1]) if place.rsplit(":", 1)[-1].isdecimal() else 1
    do = _compute if compute else _wait
    _timed(cluster, _wait, 2 * workers, 0.0)  # starts them
    seconds, cpu_s = _timed(cluster, do, tasks, task_s)
    short_s, short_cpu_s = _timed(cluster, _wait, _SHORT, 0.0)
    ideal_s = -(-tasks // workers) * task_s
    useful_s = tasks * task_s if compute else 0.0
    return {
        "place": place,
        "tasks": tasks,
        "task_s": task_s,
        "seconds": round(seconds, 3),
        "overhead": f"{seconds / ideal_s - 1:.1%}",
        "cpu_overhead": f"{(cpu_s - useful_s) / (tasks * task_s):.2%}",
        "empty_tasks_per_s": round(_SHORT / short_s, 1),
        "cpu_ms_per_empty_task": round(1000 * short_cpu_s / _SHORT, 2),
    }


def _timed(
    cluster: "Cluster", do: Callable[[float, int], int], tasks: int, task_s: float
) -> tuple[float, float]:
    """Return seconds, and seconds of CPU time over all processes."""
    from flow.cluster import Work  # noqa: PLC0415 - imports NumPy

    work: Work[int, int] = Work(name=do.__name__, version=1, do=do, shared=task_s)
    start, cpu_start = time.perf_counter(), _cpu_s()
    found = list(cluster.map(work, range(tasks), total=tasks, title="tasks"))
    assert found == list(range(tasks))
    return time.perf_counter() - start, _cpu_s() - cpu_start


def _cpu_s() -> float:
    """Return the CPU time of this process and all below it."""
    own = psutil.Process()
    times = [one.cpu_times() for one in (own, *own.children(recursive=True))]
    return float(sum(one.user + one.system for one in times))


def _wait(task_s: float, item: int) -> int:
    time.sleep(task_s)
    return item


def _compute(task_s: float, item: int) -> int:
    end = time.thread_time() + task_s
    while time.thread_time() < end:
        pass
    return item


CLUSTER = ClusterBenchmark(
    name="cluster", help="time tasks of known length on processes and on a Dask scheduler"
)
