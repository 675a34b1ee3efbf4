# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""One process at a time: locks that end with the process, however that ends."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from flow.errors import FlowError, SettingError

__all__ = ["hold", "locked"]


@contextmanager
def locked(path: Path, subject: str, remedy: str) -> Iterator[None]:
    """Hold a file's own lock, NAME.lock beside it, which is gone afterwards; see hold."""
    lock = path.with_name(f"{path.name}.lock")
    with hold(lock, subject, remedy):
        try:
            yield
        finally:
            with suppress(OSError):
                lock.unlink()


@contextmanager
def hold(lock: Path, subject: str, remedy: str, *, setting: str = "") -> Iterator[None]:
    """Make the lock file, hold its lock and write this process's number into it.

    Raises:
        FlowError: another process holds it; the message names the subject, the process and the
            remedy.
        OSError: the file cannot be written.
    """
    while True:
        with lock.open("a+", encoding="utf-8") as file:
            _take(file, subject, remedy, setting)
            if not _is_at(file, lock):  # who held it has removed it
                continue
            file.truncate(0)
            file.write(f"{os.getpid()}\n")
            file.flush()
            yield
            return


def _take(file: IO[str], subject: str, remedy: str, setting: str) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.seek(0)
        holder = file.read().strip() or "unknown"
        text = f"{subject}: is in use by process {holder}; {remedy}"
        raise (SettingError(text, setting) if setting else FlowError(text)) from error


def _is_at(file: IO[str], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
