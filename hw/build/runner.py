# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Where a plan's command runs."""

import os
import signal
import subprocess
import sys
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path

from hw.build.plan import PYTHON, BuildPlan

__all__ = ["LocalRunner", "Runner"]


class Runner(ABC):
    """Runs a plan's command in a folder that has its files.

    A container mounts the folder, ssh copies it there and its products back, a queue submits the
    command and waits: whatever it is, the products are in the folder when `run` returns 0.
    """

    @abstractmethod
    def run(self, plan: BuildPlan, folder: Path, log: Path, timeout_s: float | None) -> int:
        """Run the command of a plan to its end and return its exit status.

        Args:
            plan: its files, and the products of what it needs, are in the folder.
            folder: where the command runs, absolute.
            log: gets all that it prints.
            timeout_s: limit; None for none.

        Raises:
            TimeoutError: it was stopped at the limit.
            FileNotFoundError: there is no such tool.
        """

    @abstractmethod
    def stop(self) -> None:
        """End all commands that threads of this process wait for, now and from now on."""


class LocalRunner(Runner):
    """Runs the command as a process of this machine, in a session of its own."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[bytes]] = set()
        self._stopped = False

    def run(self, plan: BuildPlan, folder: Path, log: Path, timeout_s: float | None) -> int:
        """Run it; whatever ends the wait for it, ends it and all that it started."""
        first, *rest = plan.command
        with log.open("wb") as stream:
            process = subprocess.Popen(
                [sys.executable if first == PYTHON else first, *rest],
                cwd=folder,
                env={**os.environ, **plan.locations, "TMPDIR": str(folder)},
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._running.add(process)
        if self._stopped:
            self.stop()
        try:
            return process.wait(timeout_s)
        except subprocess.TimeoutExpired as error:
            raise TimeoutError(f"{first}: stopped after {timeout_s:g} s") from error
        finally:
            self._running.discard(process)
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def stop(self) -> None:
        """Kill the sessions of the commands."""
        self._stopped = True
        for process in tuple(self._running):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
