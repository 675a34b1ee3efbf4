# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Progress as lines of text, now and then, for logs and pipes.

The first line of a piece of work comes after two seconds, the next ones at growing intervals; what
is quicker says nothing. Lines come with reports: work that reports rarely is told of rarely.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

__all__ = ["Lines", "LinesMeter"]

_FIRST_S = 2.0  # of the outermost meter without a line
_GAPS_S = (5.0, 10.0, 20.0, 30.0)  # between lines; the last one for all further lines


@dataclass(eq=False)
class LinesMeter:
    """One piece of work under way; it may begin again, as one attack after another does."""

    description: str
    unit: str
    opened: float
    began: float  # the first report of this time
    first: int | None = None  # done when it began: more than 0 where work goes on
    done: int = 0
    total: int = 0
    told: bool = False

    def report(self, done: int, total: int, now: float) -> None:
        """Note how far it is."""
        if self.first is None or done < self.done:
            self.first, self.began = done, now
        self.done, self.total = done, total

    def state(self, now: float) -> str:
        """Return what, how far, how fast and the time left."""
        if self.first is None:
            return self.description
        rate = self._rate(now)
        parts = [self._count()]
        if rate:
            parts.append(self._speed(rate))
        if rate and self.total > self.done:
            parts.append(f"{_clock_time((self.total - self.done) / rate)} left")
        return f"{self.description}: {', '.join(parts)}"

    def end(self, now: float, *, whole: bool) -> str:
        """Return the last line."""
        rate, taken = self._rate(now), _clock_time(now - self.opened)
        speed = f", {self._speed(rate)}" if rate else ""
        how = "" if whole else "stopped after "
        return f"{self.description}: {how}{self._count()} in {taken}{speed}"

    def _count(self) -> str:
        of = f" of {self.total:,}" if self.total else ""
        return f"{self.done:,}{of} {self.unit}"

    def _speed(self, rate: float) -> str:
        return f"{rate:,.1f} {self.unit}/s" if rate >= 1 else f"{rate:.2g} {self.unit}/s"

    def _rate(self, now: float) -> float:
        passed = now - self.began
        return (self.done - (self.first or 0)) / passed if passed > 0 else 0.0


class Lines:
    """Meters inside one another; the outermost one comes first in a line.

    Args:
        write: gets each line.
        clock: what tells the seconds.
    """

    def __init__(
        self, write: Callable[[str], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._write, self._clock = write, clock
        self._open: list[LinesMeter] = []
        self._gaps = iter(_GAPS_S)
        self._due = clock()  # not before this

    def open(self, description: str, unit: str) -> LinesMeter:
        """Begin a piece of work inside those that are open."""
        now = self._clock()
        meter = LinesMeter(description, unit, now, now)
        self._open.append(meter)
        return meter

    def report(self, meter: LinesMeter, done: int, total: int) -> None:
        """Note how far the work is, and write a line when one is due."""
        now = self._clock()
        meter.report(done, total, now)
        if now < max(self._due, self._open[0].opened + _FIRST_S):
            return
        self._write("; ".join(one.state(now) for one in self._open))
        for one in self._open:
            one.told = True
        self._due = now + next(self._gaps, _GAPS_S[-1])

    def close(self, meter: LinesMeter, *, whole: bool) -> None:
        """End it; the outermost one is told of when it was before.

        Args:
            meter: what open returned.
            whole: it was not interrupted.
        """
        self._open.remove(meter)
        if meter.told and not self._open:
            self._write(meter.end(self._clock(), whole=whole))


def _clock_time(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
