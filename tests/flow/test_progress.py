# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
import contextlib
import os
import pty
import re
import subprocess
import sys

import pytest

from flow import progress
from flow._progress_lines import Lines
from flow.progress import banner, meter, saved, track

SHOW = """
import time
from flow import progress
from flow.progress import banner, track
for image in track(range(4), "attack", unit="images"):
    for _ in track(iter("ab"), "inner", total=2):
        time.sleep(0.15)
        progress._display.refresh()
banner("[1/8] train: done [really]")
"""


class Log:
    """Lines without a terminal, and a clock that a test moves."""

    def __init__(self) -> None:
        self.now, self.written = 1000.0, list[str]()
        self.lines = Lines(self.written.append, lambda: self.now)


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Log:
    """Take the place of stderr, which is no terminal in tests."""
    log = Log()
    monkeypatch.setattr(progress, "_log", log.lines)
    return log


def test_track_yields_the_items_and_what_is_quick_says_nothing(log: Log) -> None:
    assert list(track("abc", "letters")) == ["a", "b", "c"]
    assert not log.written


def test_lines_tell_what_how_far_how_fast_and_the_time_left(log: Log) -> None:
    for _ in track(range(1000), "attack", unit="images"):
        log.now += 0.1
    assert log.written[0] == "attack: 20 of 1,000 images, 10.0 images/s, 0:01:38 left"
    assert log.written[-1] == "attack: 1,000 of 1,000 images in 0:01:40, 10.0 images/s"


def test_lines_come_at_growing_intervals(log: Log) -> None:
    with meter("attack", unit="images") as report:
        for second in range(1, 130):
            log.now += 1
            report(second, 1000)
    done = [int(line.split()[1]) for line in log.written[:-1]]
    assert done == [2, 7, 17, 37, 67, 97, 127]


def test_inner_work_is_told_with_the_outer(log: Log) -> None:
    with meter("training", unit="epochs") as outer, meter("epoch 4", unit="steps") as inner:
        inner(0, 0)
        log.now += 4
        outer(3, 10)
        log.now += 6
        inner(50, 100)
    assert log.written == [
        "training: 3 of 10 epochs; epoch 4: 0 steps",
        "training: 3 of 10 epochs; epoch 4: 50 of 100 steps, 5.0 steps/s, 0:00:10 left",
        "training: 3 of 10 epochs in 0:00:10",
    ]


def test_the_rate_of_work_that_goes_on_is_that_of_this_run(log: Log) -> None:
    with meter("training", unit="epochs") as report:
        report(30, 40)
        log.now += 10
        report(35, 40)
    assert log.written[0] == "training: 35 of 40 epochs, 0.5 epochs/s, 0:00:10 left"


def test_work_that_begins_again_has_the_rate_of_its_last_beginning(log: Log) -> None:
    with meter("attacks", unit="images") as report:
        for done, total in ((0, 40), (40, 40), (5, 25), (15, 25)):
            report(done, total)
            log.now += 10
    assert log.written[-2] == "attacks: 15 of 25 images, 1.0 images/s, 0:00:10 left"


def test_the_rate_counts_from_the_first_report(log: Log) -> None:
    with meter("training", unit="epochs") as report:
        for epoch in (1, 2, 3):
            log.now += 25
            report(epoch, 10)
    assert log.written[1] == "training: 2 of 10 epochs, 0.04 epochs/s, 0:03:20 left"


def test_work_that_stops_says_where(log: Log) -> None:
    def stopped() -> None:
        with meter("attack", unit="images") as report:
            log.now += 5
            report(7, 9)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert log.written[-1] == "attack: stopped after 7 of 9 images in 0:00:05"


def test_without_a_terminal_the_lines_go_to_stderr(
    log: Log, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "_log", Lines(banner, lambda: log.now))
    with meter("simulate", unit="images") as report:
        log.now += 3
        report(3, 3)
    assert capfd.readouterr().err.splitlines() == [
        "simulate: 3 of 3 images",
        "simulate: 3 of 3 images in 0:00:03",
    ]


def test_an_interruption_is_told_what_is_saved() -> None:
    def stopped() -> None:
        with saved(lambda: "outer"), saved(lambda: "inner"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as stop:
        stopped()
    assert stop.value.__notes__ == ["inner", "outer"]


def test_a_banner_is_always_printed_as_it_is(capfd: pytest.CaptureFixture[str]) -> None:
    line = f"[1/8] train: {'long ' * 30}[end]"
    banner(line)
    assert capfd.readouterr() == ("", f"{line}\n")


def on_a_terminal(code: str) -> str:
    """Return what a program writes to a terminal that is its stderr."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    with subprocess.Popen([sys.executable, "-c", code], stderr=theirs, env=environment) as process:
        os.close(theirs)
        shown = b""
        with contextlib.suppress(OSError):  # Linux's end of file on a pseudo-terminal
            while chunk := os.read(ours, 4096):
                shown += chunk
        assert process.wait() == 0
    os.close(ours)
    return shown.decode()


def test_a_terminal_sees_description_count_rate_and_time_left() -> None:
    shown = on_a_terminal(SHOW)
    assert "attack" in shown
    assert "inner" in shown
    assert "2/4" in shown
    assert "images/s" in shown
    assert re.search(r"\d:\d\d:\d\d", shown)
    assert "[1/8] train: done [really]" in shown
