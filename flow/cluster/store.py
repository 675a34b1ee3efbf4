# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Results by content key, in a SQLite file that several processes may write at the same time."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from flow.errors import SettingError

__all__ = ["ResultStore"]

_FORMAT = 0x5F10C1  # SQLite's application_id of our files
_WAIT_S = 120.0  # for another writer
_TABLE = "CREATE TABLE IF NOT EXISTS results (key TEXT PRIMARY KEY, value BLOB NOT NULL)"
_SLICE = 500  # keys a query


class ResultStore:
    """Keeps the first result of each key; a kill loses none that was kept.

    A result is on the disk when keep returns. Journals stay beside the file and locks are the
    file system's: keep the file on a disk of the machine that writes it.
    """

    def __init__(self, path: Path) -> None:
        """Open the file, or begin it.

        Raises:
            SettingError: it is no store of results, or cannot be read or written.
        """
        self._path = path
        with self._open() as file:
            (found,) = file.execute("PRAGMA application_id").fetchone()
            (tables,) = file.execute("SELECT count(*) FROM sqlite_master").fetchone()
            if found != _FORMAT and tables:
                raise SettingError(
                    f"results {path}: is a database of something else; name another file", "results"
                )
            file.execute(f"PRAGMA application_id = {_FORMAT}")
            file.execute(_TABLE)

    def keep(self, key: str, value: bytes) -> None:
        """Keep a result, unless there is one."""
        with self._open() as file:
            file.execute("INSERT OR IGNORE INTO results VALUES (?, ?)", (key, value))

    def get(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Return the results that are kept, by key."""
        wanted, found = list(keys), dict[str, bytes]()
        with self._open() as file:
            for start in range(0, len(wanted), _SLICE):
                some = wanted[start : start + _SLICE]
                marks = ",".join("?" * len(some))
                query = f"SELECT key, value FROM results WHERE key IN ({marks})"
                found |= dict(file.execute(query, some).fetchall())
        return found

    def __len__(self) -> int:
        """Return how many results there are."""
        with self._open() as file:
            (count,) = file.execute("SELECT count(*) FROM results").fetchone()
        return int(count)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self._path, timeout=_WAIT_S)) as file, file:
                yield file
        except sqlite3.Error as error:
            raise SettingError(
                f"results {self._path}: cannot be read or written ({error}); name another file",
                "results",
            ) from error
