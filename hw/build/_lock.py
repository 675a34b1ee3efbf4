# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A scratch folder that one process at a time has."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["locked", "unlock_stale"]

_SUFFIX = ".lock"


@contextmanager
def locked(scratch: Path) -> Iterator[Path]:
    """Hold a new, empty folder of this name; wait while another process or thread does.

    The lock is a file beside it, and ends with the process, however that ends.
    """
    lock = _acquire(scratch.with_name(scratch.name + _SUFFIX), fcntl.LOCK_EX)
    try:
        _remove(scratch)
        scratch.mkdir()
        yield scratch
    finally:
        _remove(scratch)
        _release(lock, scratch)


def unlock_stale(folder: Path, prefix: str) -> None:
    """Remove the folders with this prefix that killed processes left."""
    for path in folder.glob(f"{prefix}*{_SUFFIX}"):
        try:
            lock = _acquire(path, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        scratch = path.with_name(path.name.removesuffix(_SUFFIX))
        _remove(scratch)
        _release(lock, scratch)


def _acquire(path: Path, how: int) -> int:
    """Lock a file; again if it was removed before that."""
    while True:
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(lock, how)
        except BlockingIOError:
            os.close(lock)
            raise
        if _is_at(lock, path):
            return lock
        os.close(lock)


def _is_at(lock: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(lock), path.stat())
    except FileNotFoundError:
        return False


def _release(lock: int, scratch: Path) -> None:
    scratch.with_name(scratch.name + _SUFFIX).unlink(missing_ok=True)
    os.close(lock)


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
