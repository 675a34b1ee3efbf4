# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Work that can be divided: a function of an item, and what all items share."""

import pickle
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from flow.cluster.digest import digest_of
from flow.cluster.fingerprint import DataFile, own_fingerprint

__all__ = ["Item", "Packed", "Result", "Work"]

Item = TypeVar("Item")
Result = TypeVar("Result")
_MOVES_NO_BITS = {"dask", "distributed", "steelflow"}


def _as_it_is(shared: Any) -> Any:  # noqa: ANN401 - whatever the work shares
    return shared


@dataclass(frozen=True, kw_only=True)
class Work(Generic[Item, Result]):
    """What is done to each item; the same bits on every worker.

    Attributes:
        name: of the function, for keys and messages.
        version: of the function; raise it when its results change.
        do: a function of a module, of what `prepare` returned and an item.
        shared: what all items need; sent once to each worker. Big data go into `files` instead.
        prepare: a function of a module, of `shared`, called once in each worker.
        identity: what decides the results, as data for digest_of; `shared` itself when absent.
        floats: whether results depend on the kernels of floats that the processor chooses.
        files: data that workers read in their own copies.
        unit: of the items, in the plural.
    """

    name: str
    version: int
    do: Callable[[Any, Item], Result]
    shared: Any = None
    prepare: Callable[[Any], Any] = _as_it_is
    identity: Any = None
    floats: bool = False
    files: tuple[DataFile, ...] = ()
    unit: str = "tasks"
    base: str = field(init=False, repr=False, default="")

    def __post_init__(self) -> None:
        object.__setattr__(self, "base", self._base())

    def key(self, item: Item) -> str:
        """Return the content key of an item's result."""
        return digest_of((self.base, item))

    def _base(self) -> str:
        """Return the digest of all but the item.

        The sources are not in it (`version` is), but workers with others are refused.
        """
        own = own_fingerprint()
        tools = {k: v for k, v in own.software.items() if k not in _MOVES_NO_BITS}
        content = self.shared if self.identity is None else self.identity
        processor = own.processor if self.floats else ""
        files = [one.sha256 for one in self.files]
        return digest_of((self.name, self.version, content, tools, processor, files))

    def packed(self) -> "Packed":
        """Return what a worker needs."""
        return Packed(digest=self.base, content=pickle.dumps(self))


@dataclass(frozen=True)
class Packed:
    """Work in bytes; the digest names it."""

    digest: str
    content: bytes

    def work(self) -> Work[Any, Any]:
        """Return the work."""
        found: Work[Any, Any] = pickle.loads(self.content)
        return found
