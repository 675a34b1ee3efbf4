# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Runners whose builds go on without this process, and are collected by whoever comes next."""

import threading
import time
from abc import abstractmethod
from pathlib import Path

from hw.build.plan import BuildPlan
from hw.build.runner import Runner
from hw.errors import HardwareError

__all__ = ["ABSENT", "LOST", "RUNNING", "DetachedRunner"]

ABSENT, RUNNING, LOST = "absent", "running", "lost"  # states; else an exit status
_STOPPED, _LATE, _NOT_FOUND = 130, -1, 127  # the last one is the shell's


class DetachedRunner(Runner):
    """Starts the command elsewhere and looks after it.

    The build belongs to the plan's digest: whoever runs an equal plan next, after a dead link or an
    end of this process, finds it running or done, and collects it.

    Args:
        place: what errors call it.
        poll_s: between two looks.
        patience_s: how long nothing may be heard of it.
    """

    def __init__(self, place: str, *, poll_s: float, patience_s: float) -> None:
        self.place, self.poll_s, self.patience_s = place, poll_s, patience_s
        self._stopped = threading.Event()

    @abstractmethod
    def look(self, plan: BuildPlan) -> str:
        """Return ABSENT, RUNNING, LOST or the exit status as text.

        Raises:
            ConnectionError: it cannot be found out at the moment.
        """

    @abstractmethod
    def start(self, plan: BuildPlan, folder: Path) -> None:
        """Bring the folder there and start the command."""

    @abstractmethod
    def collect(self, plan: BuildPlan, folder: Path, log: Path) -> None:
        """Bring products and log back."""

    @abstractmethod
    def end(self, plan: BuildPlan) -> None:
        """Kill the command if it runs, and remove all that is there."""

    def run(self, plan: BuildPlan, folder: Path, log: Path, timeout_s: float | None) -> int:
        """Run it, or collect what runs or ran already; see Runner.

        Raises:
            HardwareError: the place cannot be reached, or lost the build.
        """
        log.touch()
        try:
            if self.look(plan) == ABSENT:
                self.start(plan, folder)
            status = self._wait(plan, timeout_s)
            self.collect(plan, folder, log)
            self.end(plan)
        except ConnectionError as error:
            raise HardwareError(
                f"{plan.subject}: {self.place} cannot be reached ({error}); what was started goes "
                "on there: run the same command to collect it"
            ) from error
        if status == _LATE:
            raise TimeoutError(f"{self.place}: stopped after {timeout_s:g} s")
        if status == _NOT_FOUND:
            raise FileNotFoundError(f"{self.place}: {plan.command[0]}")
        return status

    def stop(self) -> None:
        """See Runner; ends the builds elsewhere as well."""
        self._stopped.set()

    def _wait(self, plan: BuildPlan, timeout_s: float | None) -> int:
        """Return the exit status when there is one; _STOPPED or _LATE if that is not waited for."""
        begin = heard = time.monotonic()
        while not self._stopped.is_set():
            state = self._state(plan, heard)
            if state.lstrip("-").isdigit():
                return int(state)
            if state == LOST:
                self.end(plan)
                raise HardwareError(f"{plan.subject}: {self.place} lost the build; run it again")
            now = time.monotonic()
            heard = now if state else heard
            if timeout_s is not None and now - begin > timeout_s:
                return _LATE
            self._stopped.wait(self.poll_s)
        return _STOPPED

    def _state(self, plan: BuildPlan, heard: float) -> str:
        """Return the state, or nothing while it is not known for no longer than allowed."""
        try:
            return self.look(plan)
        except ConnectionError:
            if time.monotonic() - heard > self.patience_s:
                raise
            return ""
