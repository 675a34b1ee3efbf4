# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""`steelflow bench cluster`: what dividing work costs beside the work itself."""

import argparse
import os
import socket
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
    given = place.removeprefix("local:")
    do = _compute if compute else _wait
    _timed(cluster, _wait, 2 * int(given) if given.isdecimal() else 2, 0.0)  # starts them
    seconds, cpu_s, present = _timed(cluster, do, tasks, task_s)
    workers = int(given) if given.isdecimal() else present
    short_s, short_cpu_s, _ = _timed(cluster, _wait, _SHORT, 0.0)
    ideal_s = -(-tasks // workers) * task_s
    useful_s = tasks * task_s if compute else 0.0
    return {
        "place": place,
        "workers": workers,
        "tasks": tasks,
        "task_s": task_s,
        "seconds": round(seconds, 3),
        "overhead": f"{seconds / ideal_s - 1:.1%}",
        "cpu_overhead": f"{(cpu_s - useful_s) / (tasks * task_s):.2%}",
        "empty_tasks_per_s": round(_SHORT / short_s, 1),
        "cpu_ms_per_empty_task": round(1000 * short_cpu_s / _SHORT, 2),
    }


def _timed(
    cluster: "Cluster", do: Callable[[float, int], str], tasks: int, task_s: float
) -> tuple[float, float, int]:
    """Return seconds, seconds of CPU time over all processes here, and how many workers it took."""
    from flow.cluster import Work  # noqa: PLC0415 - imports NumPy

    work: Work[int, str] = Work(name=do.__name__, version=1, do=do, shared=task_s)
    start, cpu_start = time.perf_counter(), _cpu_s()
    found = set(cluster.map(work, range(tasks), total=tasks, title="tasks"))
    return time.perf_counter() - start, _cpu_s() - cpu_start, len(found)


def _cpu_s() -> float:
    """Return the CPU time of this process and all below it."""
    own = psutil.Process()
    times = [one.cpu_times() for one in (own, *own.children(recursive=True))]
    return float(sum(one.user + one.system for one in times))


def _wait(task_s: float, _item: int) -> str:
    time.sleep(task_s)
    return _worker()


def _compute(task_s: float, _item: int) -> str:
    end = time.thread_time() + task_s
    while time.thread_time() < end:
        pass
    return _worker()


def _worker() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


CLUSTER = ClusterBenchmark(
    name="cluster", help="time tasks of known length on processes and on a Dask scheduler"
)
