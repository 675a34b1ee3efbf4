# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The one map: what is known is taken from the store, the rest is computed somewhere."""

import pickle
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Generic, Self

from flow.cluster.store import ResultStore
from flow.cluster.work import Item, Packed, Result, Work
from flow.progress import Report, meter

__all__ = ["Answers", "Cluster", "Orders"]

Orders = Iterator[tuple[int, bytes]]  # number and pickled item, taken when there is room
Answers = Iterator[tuple[int, bytes]]  # number and pickled result, in any order


def _one(_item: object) -> int:
    return 1


class Cluster(ABC):
    """Workers, and a store of what they have found; close it, or use it as a context.

    Args:
        store: where results are kept as they come, and taken from; None: nowhere.
    """

    def __init__(self, store: ResultStore | None = None) -> None:
        self.store = store

    def map(
        self,
        work: Work[Item, Result],
        items: Iterable[Item],
        *,
        total: int,
        title: str,
        count: Callable[[Item], int] = _one,
        whole: Callable[[], bool] = lambda: True,
    ) -> Iterator[Result]:
        """Yield the result of each item, in order; the bits do not depend on the workers.

        Args:
            work: what is done to an item.
            items: taken one by one, as workers get free.
            total: sum of `count` over all items, for the progress.
            title: of the progress.
            count: what an item counts in the work's unit: images of a chunk.
            whole: asked before each item; where it says no, no further item is begun.

        Raises:
            FlowError: no worker computes the same bits, or the work itself raises it.
        """
        with meter(title, unit=work.unit) as report:
            run = _Run(work, self.store, report, total, count)
            numbered = run.unknown(_until(items, whole))
            yield from run.in_order(self._answers(work.packed(), numbered))

    @abstractmethod
    def _answers(self, packed: Packed, orders: Orders) -> Answers:
        """Compute; take no more orders than keep the workers busy."""

    @abstractmethod
    def close(self) -> None:
        """Let the workers go."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _until(items: Iterable[Item], whole: Callable[[], bool]) -> Iterator[Item]:
    for item in items:
        if not whole():
            return
        yield item


@dataclass(eq=False)
class _Run(Generic[Item, Result]):
    """One map under way.

    Attributes:
        found: pickled results that wait for those before them, by number.
        items: those that were taken and have no result yet, with their keys, by number.
    """

    work: Work[Item, Result]
    store: ResultStore | None
    report: Report
    total: int
    count: Callable[[Item], int]
    found: dict[int, bytes] = field(default_factory=dict)
    items: dict[int, tuple[Item, str]] = field(default_factory=dict)
    done: int = 0

    def unknown(self, items: Iterator[Item]) -> Orders:
        """Yield those that are not in the store; the others are found."""
        for number, item in enumerate(items):
            key = self.work.key(item) if self.store is not None else ""
            self.items[number] = (item, key)
            known = {} if self.store is None else self.store.get([key])
            if key in known:
                self._arrived(number, known[key])
            else:
                yield number, pickle.dumps(item)

    def in_order(self, answers: Answers) -> Iterator[Result]:
        """Keep each answer when it comes; yield each result when all before it have come."""
        following = 0
        for number, result in answers:
            if self.store is not None:
                self.store.keep(self.items[number][1], result)
            self._arrived(number, result)
            while following in self.found:
                yield pickle.loads(self.found.pop(following))
                following += 1
        while following in self.found:  # known ones behind the last answer
            yield pickle.loads(self.found.pop(following))
            following += 1

    def _arrived(self, number: int, result: bytes) -> None:
        self.found[number] = result
        self.done += self.count(self.items.pop(number)[0])
        self.report(self.done, self.total)
