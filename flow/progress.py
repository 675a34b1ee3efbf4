# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Progress of long work on stderr: bars on a terminal, else a line now and then.

Library code that may not import this package takes a `Report` instead and calls it with what is
done and what there is to do.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from flow._progress_lines import Lines

__all__ = ["Report", "banner", "meter", "saved", "track"]

Item = TypeVar("Item")
Report = Callable[[int, int], None]  # (done, total), in the meter's unit

_display: Progress | None = None  # rich allows one at a time, so nested meters share it


def banner(line: str) -> None:
    """Print a line on stderr, above the bars if there are any."""
    console = _display.console if _display else Console(stderr=True)
    console.print(line, highlight=False, markup=False, soft_wrap=True)


@contextmanager
def saved(what: Callable[[], str]) -> Iterator[None]:
    """Let an interruption of the block tell what is saved by then: a note of the exception."""
    try:
        yield
    except KeyboardInterrupt as stop:
        stop.add_note(what())
        raise


_log = Lines(banner)


def track(
    items: Iterable[Item], description: str, *, total: int | None = None, unit: str = "items"
) -> Iterator[Item]:
    """Yield the items and show how many are done, the rate and the time left.

    `total` is needed where the items have no length.
    """
    count = len(items) if total is None and isinstance(items, Sized) else total or 0
    with meter(description, unit=unit) as report:
        report(0, count)
        for done, item in enumerate(items, start=1):
            yield item
            report(done, count)


@contextmanager
def meter(description: str, *, unit: str = "items") -> Iterator[Report]:
    """Show a bar, or lines, while the block runs; the function it gets moves it to (done, total).

    Where stderr is no terminal, see flow._progress_lines.
    """
    bars = _display is not None or sys.stderr.isatty()  # within bars, rich has replaced stderr
    with _bar(description, unit) if bars else _lines(description, unit) as report:
        yield report


@contextmanager
def _bar(description: str, unit: str) -> Iterator[Report]:
    with _shared_display() as display:
        task = display.add_task(description, total=None, unit=unit)

        def report(done: int, total: int) -> None:
            display.update(task, completed=done, total=total or None)

        try:
            yield report
        finally:
            display.remove_task(task)


@contextmanager
def _lines(description: str, unit: str) -> Iterator[Report]:
    meter = _log.open(description, unit)
    whole = False
    try:
        yield lambda done, total: _log.report(meter, done, total)
        whole = True
    finally:
        _log.close(meter, whole=whole)


@contextmanager
def _shared_display() -> Iterator[Progress]:
    global _display  # noqa: PLW0603 - the terminal is one, too
    if _display is not None:
        yield _display
        return
    _display = Progress(*_columns(), console=Console(stderr=True), transient=True)
    try:
        with _display:
            yield _display
    finally:
        _display = None


def _columns() -> tuple[ProgressColumn, ...]:
    text = TextColumn("  {task.description}")
    return (text, BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())


class _Rate(ProgressColumn):
    """Items a second, in the meter's unit."""

    def render(self, task: Task) -> Text:
        unit = task.fields["unit"]
        return Text(f"{task.speed:.1f} {unit}/s" if task.speed else f"- {unit}/s")
