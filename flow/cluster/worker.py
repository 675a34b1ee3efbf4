# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What runs in a worker: one item at a time, with what the work shares prepared once."""

import os
import pickle
import signal
import sys
import threading
from contextlib import AbstractContextManager, nullcontext
from multiprocessing import connection, parent_process
from pathlib import Path
from typing import Any

from flow.cluster.fingerprint import wrong_file
from flow.cluster.work import Packed, Work
from flow.errors import FlowError
from flow.threads import one_thread

__all__ = ["begin_process", "perform", "perform_from"]

_PREPARED = 2  # works that are kept ready
_ready: dict[str, tuple[Work[Any, Any], Any]] = {}


def perform(packed: Packed, item: bytes) -> bytes:
    """Return the pickled result of a pickled item, computed on one thread.

    Raises:
        FlowError: a data file of the work is missing here or has other content.
    """
    work, prepared = _prepared(packed)
    with _threads_of(work):
        return pickle.dumps(work.do(prepared, pickle.loads(item)))


def perform_from(digest: str, path: Path, item: bytes) -> bytes:
    """Do the same; the work lies in a file, which is read once."""
    content = b"" if digest in _ready else path.read_bytes()
    return perform(Packed(digest, content), item)


def _prepared(packed: Packed) -> tuple[Work[Any, Any], Any]:
    if packed.digest not in _ready:
        work = packed.work()
        if problem := next(filter(None, map(wrong_file, work.files)), ""):
            raise FlowError(f"{work.name}: a worker has {problem}; give it the data, see --data")
        while len(_ready) >= _PREPARED:
            _ready.pop(next(iter(_ready)))
        with _threads_of(work):
            _ready[packed.digest] = (work, work.prepare(work.shared))
    return _ready[packed.digest]


def _threads_of(work: Work[Any, Any]) -> AbstractContextManager[None]:
    """Hold torch to one thread where it may decide bits or is there anyway; else let it be."""
    return one_thread() if work.floats or "torch" in sys.modules else nullcontext()


def begin_process() -> None:
    """Leave Ctrl-C and the terminal to the process that started this one, and end with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115 - for the life of the process
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
