# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
import contextlib
import os
import pty
import subprocess
import sys

import pytest

from flow.progress import banner, meter, track

SHOW = """
import time
from flow.progress import banner, track
for image in track(range(4), "attack", unit="images"):
    for _ in track(iter("ab"), "inner", total=2):
        time.sleep(0.15)
banner("[1/8] train: done [really]")
"""


def test_track_yields_the_items_and_is_silent_without_a_terminal(
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert list(track("abc", "letters")) == ["a", "b", "c"]
    assert capfd.readouterr() == ("", "")


def test_meters_nest(capfd: pytest.CaptureFixture[str]) -> None:
    with meter("outer") as outer, meter("inner", unit="cycles") as inner:
        outer(1, 2)
        inner(5, 0)
    assert capfd.readouterr() == ("", "")


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
    assert "0:00:0" in shown
    assert "[1/8] train: done [really]" in shown
