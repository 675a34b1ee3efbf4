# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Work for tests: slow squares that leave a trace of every time they are computed."""

import os
import signal
import sys
import time
from pathlib import Path

from flow.cluster import Work
from flow.errors import FlowError

PAUSE_S = 0.05


def square(folder: Path, item: int) -> tuple[int, int]:
    with (folder / f"{item}").open("a") as trace:
        trace.write(f"{os.getpid()}\n")
    time.sleep(PAUSE_S)
    return item, item * item


def squares(folder: Path) -> Work[int, tuple[int, int]]:
    return Work(name="squares", version=1, do=square, shared=folder)


def times(folder: Path, item: int) -> int:
    trace = folder / f"{item}"
    return len(trace.read_text().splitlines()) if trace.exists() else 0


def dies_once(folder: Path, item: int) -> tuple[int, int]:
    if item % 5 == 3 and not times(folder, item):
        square(folder, item)
        os.kill(os.getpid(), signal.SIGKILL)
    return square(folder, item)


def always_dies(_folder: Path, _item: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def breaks(_nothing: None, item: int) -> None:
    raise FlowError(f"item {item} is broken")


def torch_threads(_nothing: None, _item: int) -> int | None:
    torch = sys.modules.get("torch")
    return None if torch is None else int(torch.get_num_threads())


def process_of(_nothing: None, _item: int) -> int:
    time.sleep(PAUSE_S)
    return os.getpid()
