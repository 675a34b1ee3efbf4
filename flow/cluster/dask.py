# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Workers behind a Dask scheduler: of this machine, of an existing cluster, of a job queue."""

import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from queue import Empty, SimpleQueue
from typing import Any

from distributed import Client, Future
from distributed.scheduler import KilledWorker

from flow.cluster._admission import Admission, problem_here
from flow.cluster.base import Answers, Cluster, Orders
from flow.cluster.digest import digest_of
from flow.cluster.fingerprint import own_fingerprint
from flow.cluster.store import ResultStore
from flow.cluster.work import Packed, Work
from flow.cluster.worker import perform
from flow.errors import FlowError
from flow.progress import banner

__all__ = ["DaskCluster"]

_AHEAD = 3  # items a worker: the one that it computes and two that wait or travel
_LOOK_S = 2.0  # between two looks at the workers
_PATIENCE_S = 60.0  # for a scheduler that is gone, and for a first worker that is admitted
_GONE = ("cancelled", "lost")  # of a future
_DEATHS = 20  # of workers that had the same item


class DaskCluster(Cluster):
    """Sends items to the workers of a scheduler.

    Args:
        client: of the scheduler; closed with this.
        also_close: what is closed after it: servers that were started for it.
        store: see Cluster.
        patience_s: how long a scheduler may be gone, and how long no worker may be admitted.
    """

    def __init__(
        self,
        client: Client,
        *,
        also_close: Callable[[], None] = lambda: None,
        store: ResultStore | None = None,
        patience_s: float = _PATIENCE_S,
    ) -> None:
        super().__init__(store)
        logging.getLogger("distributed").setLevel(logging.ERROR)
        self._client, self._also_close, self._patience_s = client, also_close, patience_s
        with suppress(Exception):  # there is none where bokeh is missing
            banner(f"cluster: dashboard at {client.dashboard_link}")

    def close(self) -> None:
        """Leave the scheduler; end it and the workers if they were started for this."""
        self._client.close()
        self._also_close()

    def _answers(self, packed: Packed, orders: Orders) -> Answers:
        flight = _Flight(self._client, packed, self._patience_s)
        try:
            yield from flight.answers(orders)
        finally:
            flight.close()


@dataclass(frozen=True)
class _Sent:
    """An item under way, and the worker that it was sent to."""

    order: tuple[int, bytes]
    worker: str


class _Flight:
    """One map on a scheduler: what is under way, and who may compute it.

    Items are dealt out here, to the admitted worker that has fewest: a scheduler keeps them where
    the work's data lie, and leaves the other workers idle. What was sent to a worker that is gone
    would wait for ever, and is sent again.
    """

    def __init__(self, client: Client, packed: Packed, patience_s: float) -> None:
        self._client, self._packed, self._patience_s = client, packed, patience_s
        self._work: Work[Any, Any] = packed.work()
        own, work = own_fingerprint(), self._work
        content = (own.software_digest(), work.floats and own.processor, work.files)
        self._resource = f"steelflow-{digest_of(content)[:16]}"
        self._unsent: deque[tuple[int, bytes]] = deque()
        self._waiting: dict[Future, _Sent] = {}
        self._ready: SimpleQueue[Future] = SimpleQueue()
        self._deaths: dict[int, int] = {}
        self._shared: Future | None = None
        self._workers: frozenset[str] = frozenset()
        self._told, self._looked, self._happy = "", -_LOOK_S, time.monotonic()
        self._admit()

    def _admit(self) -> None:
        """Let every worker, also one that comes later, check itself."""
        plugin = Admission(
            self._resource, own_fingerprint(), floats=self._work.floats, files=self._work.files
        )
        with suppress(Exception):  # of a worker that cannot even read it: not admitted
            self._client.register_plugin(plugin)

    def answers(self, orders: Orders) -> Answers:
        """Yield what comes; send anew what got lost with workers or with the scheduler."""
        while True:
            self._look()
            room = max(1, len(self._workers)) * _AHEAD - len(self._waiting) - len(self._unsent)
            self._unsent.extend(islice(orders, max(0, room)))
            while self._workers and self._unsent:
                self._send(self._unsent.popleft())
            if not self._waiting and not self._unsent:
                return
            with suppress(Empty):
                future = self._ready.get(timeout=_LOOK_S if self._workers else _LOOK_S / 10)
                if future in self._waiting:
                    yield from self._landed(future)

    def _send(self, order: tuple[int, bytes]) -> None:
        if self._shared is None:
            self._shared = self._submit(Packed, self._packed.digest, self._packed.content)
        loads = Counter(one.worker for one in self._waiting.values())
        worker = min(sorted(self._workers), key=lambda name: loads[name])
        future = self._submit(perform, self._shared, order[1], workers=[worker])
        self._waiting[future] = _Sent(order, worker)
        future.add_done_callback(self._ready.put)

    def _submit(
        self,
        function: Callable[..., Any],
        *arguments: Any,  # noqa: ANN401
        workers: list[str] | None = None,
    ) -> Future:
        return self._client.submit(
            function, *arguments, pure=False, resources={self._resource: 1}, workers=workers
        )

    def _landed(self, future: Future) -> Answers:
        if future.status in _GONE:
            return  # the next look sends it again
        order = self._waiting[future].order
        try:
            result: bytes = future.result(timeout=_LOOK_S)
        except TimeoutError:  # its worker may have died with it, which the next look notices
            self._ready.put(future)
            return
        except KilledWorker:
            self._waiting.pop(future)
            self._bury(order[0])
            self._unsent.append(order)
            return
        self._waiting.pop(future)
        yield order[0], result

    def _bury(self, number: int) -> None:
        self._deaths[number] = self._deaths.get(number, 0) + 1
        if self._deaths[number] >= _DEATHS:
            raise FlowError(
                f"cluster: item {number} of {self._work.name} was with {_DEATHS} workers that "
                "died; look into the workers' logs (often memory), then run it again"
            )

    def _look(self) -> None:
        """Count the workers; notice workers or a scheduler that are gone."""
        if time.monotonic() - self._looked < (_LOOK_S if self._workers else _LOOK_S / 10):
            return
        self._looked = time.monotonic()
        try:
            running = self._client.status == "running"
            found = self._client.scheduler_info(n_workers=-1)["workers"] if running else {}
        except (OSError, TimeoutError):
            running, found = False, {}
        if not running:
            self._be_patient("the scheduler is gone")
            return
        admitted = frozenset(
            name for name, one in found.items() if one["resources"].get(self._resource, 0) > 0
        )
        shared = [] if self._shared is None else [self._shared]
        lost = any(one.status in _GONE for one in (*self._waiting, *shared))
        if gone := self._workers - admitted:
            self._mourn(gone)
        if lost or not admitted & self._workers:
            self._take_back(self._waiting)
            self._shared = None
        if lost:
            self._admit()  # a scheduler that is new knows nothing
        self._workers = admitted
        self._tell(len(found))

    def _mourn(self, gone: frozenset[str]) -> None:
        """Take back what was sent to workers that are gone."""
        orphans = [future for future, one in self._waiting.items() if one.worker in gone]
        for future in orphans:
            self._bury(self._waiting[future].order[0])
        self._take_back(orphans)

    def _take_back(self, futures: Iterable[Future]) -> None:
        """Take back items that are under way, to send them to other workers."""
        chosen = list(futures)
        with suppress(Exception):  # the scheduler may be gone
            self._client.cancel(chosen)
        self._unsent.extend(self._waiting.pop(one).order for one in chosen)

    def _tell(self, present: int) -> None:
        """Say how many workers there are, if that has changed."""
        count = len(self._workers)
        refused = f", {present - count} not admitted" if present > count else ""
        if self._told != (told := f"cluster: {count} workers{refused}"):
            banner(told)
            self._told = told
        if count or not present:
            self._happy = time.monotonic()
        else:
            self._be_patient(f"none of {present} workers is admitted")

    def _be_patient(self, problem: str) -> None:
        waited = time.monotonic() - self._happy
        if waited < self._patience_s:
            return
        why = self._reasons() if self._client.status == "running" else ""
        raise FlowError(
            f"cluster: {problem} for {waited:.0f} s{why}; mend it and run the same command again, "
            "which goes on with the results that are kept"
        )

    def _reasons(self) -> str:
        """Ask the workers why."""
        work = self._work
        try:
            told = self._client.run(
                problem_here, own_fingerprint(), floats=work.floats, files=work.files
            )
        except Exception as error:  # a worker without this code
            return f" ({type(error).__name__}: {error})"
        return f" ({'; '.join(sorted(set(filter(None, told.values()))))})"

    def close(self) -> None:
        """Take back what nobody waits for."""
        self._take_back(self._waiting)
