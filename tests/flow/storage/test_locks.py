# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Locks between processes: real ones."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from flow.errors import FlowError
from flow.storage.locks import hold, locked

HOLDER = """
import sys, time
from pathlib import Path
from flow.storage.locks import locked
with locked(Path(sys.argv[1]), "it", "wait"):
    print("held", flush=True)
    time.sleep(600)
"""


@contextmanager
def another_process_holds(path: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, text=True, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def test_a_second_process_is_refused(tmp_path: Path) -> None:
    with another_process_holds(tmp_path / "state") as holder:
        message = rf"^it: is in use by process {holder.pid}; wait$"
        with pytest.raises(FlowError, match=message), locked(tmp_path / "state", "it", "wait"):
            pytest.fail("was let in")


def test_a_lock_ends_with_its_process(tmp_path: Path) -> None:
    with another_process_holds(tmp_path / "state") as holder:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        with locked(tmp_path / "state", "it", "wait"):
            assert (tmp_path / "state.lock").read_text() == f"{os.getpid()}\n"
    assert not list(tmp_path.iterdir())


def test_a_lock_file_that_was_removed_while_it_was_waited_for_is_not_the_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, taken = tmp_path / "lock", []

    def take_and_lose(*_: object) -> None:
        if not taken:  # as if its holder had removed it in this moment
            lock.unlink()
        taken.append(1)

    monkeypatch.setattr("flow.storage.locks._take", take_and_lose)
    with hold(lock, "it", "wait"):
        assert lock.read_text() == f"{os.getpid()}\n"
    assert len(taken) == 2
