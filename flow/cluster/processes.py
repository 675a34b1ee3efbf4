# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The cores of this machine, without any server."""

import os
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

from flow.cluster.base import Answers, Cluster, Orders
from flow.cluster.store import ResultStore
from flow.cluster.work import Packed
from flow.cluster.worker import begin_process, perform, perform_from
from flow.errors import FlowError, SettingError

__all__ = ["ProcessCluster", "cores"]

_AHEAD = 2  # items a process: the one that it computes and one that waits
_LOSSES = 2  # times in a row that processes may die without a result between


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0))


class ProcessCluster(Cluster):
    """Processes that start with the first item and stay; a single one is this process itself.

    Args:
        processes: at least 1; the machine's cores when None.
        store: see Cluster.
    """

    def __init__(self, processes: int | None = None, store: ResultStore | None = None) -> None:
        super().__init__(store)
        self.processes = cores() if processes is None else processes
        if self.processes < 1:
            raise SettingError(
                f"cluster: {self.processes} processes: is not at least 1; give 1 or more", "cluster"
            )
        self._pool: ProcessPoolExecutor | None = None
        self._folder: TemporaryDirectory[str] | None = None  # of the work, for processes

    def close(self) -> None:
        """End the processes without waiting for what they compute."""
        self._end_pool()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _end_pool(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            workers = list((pool._processes or {}).values())  # no public name in 3.11
            pool.shutdown(wait=False, cancel_futures=True)
            for worker in workers:
                worker.terminate()
                worker.join()

    def _answers(self, packed: Packed, orders: Orders) -> Answers:
        if self.processes == 1:
            return ((number, perform(packed, item)) for number, item in orders)
        return self._by_processes(packed, orders)

    def _by_processes(self, packed: Packed, orders: Orders) -> Answers:
        path = self._written(packed)
        losses, waiting = 0, dict[Future[bytes], tuple[int, bytes]]()

        def submit(order: tuple[int, bytes]) -> None:
            waiting[self._running().submit(perform_from, packed.digest, path, order[1])] = order

        while True:
            for order in islice(orders, self.processes * _AHEAD - len(waiting)):
                submit(order)
            if not waiting:
                return
            ready, _ = wait(waiting, return_when=FIRST_COMPLETED)
            try:
                for future in ready:
                    result = future.result()
                    losses = 0
                    yield waiting.pop(future)[0], result
            except BrokenProcessPool as error:
                losses += 1
                if losses > _LOSSES:
                    raise _died(losses) from error
                yield from _rescued(waiting)
                lost = list(waiting.values())
                waiting.clear()
                self._end_pool()
                for order in lost:
                    submit(order)

    def _written(self, packed: Packed) -> Path:
        if self._folder is None:
            self._folder = TemporaryDirectory(prefix="steelflow-")
        path = Path(self._folder.name) / packed.digest
        path.write_bytes(packed.content)
        return path

    def _running(self) -> ProcessPoolExecutor:
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                self.processes, get_context("spawn"), initializer=begin_process
            )
        return self._pool


def _rescued(waiting: dict[Future[bytes], tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    """Yield what was finished when another process died."""
    for future in [one for one in waiting if one.done() and one.exception() is None]:
        yield waiting.pop(future)[0], future.result()


def _died(times: int) -> FlowError:
    return FlowError(
        f"cluster: worker processes died {times} times in a row without a result; look for the "
        "cause in the system's log (often memory: give fewer processes) and run it again"
    )
