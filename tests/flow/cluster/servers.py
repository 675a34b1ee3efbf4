# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A Dask scheduler and workers as processes of their own, by Dask's command line."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import flow

ROOT = Path(flow.__file__).parents[1]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def run_python(
    folder: Path, *arguments: str, variables: Mapping[str, str] | None = None
) -> "subprocess.Popen[bytes]":
    paths = os.pathsep.join([str(ROOT), str(Path(__file__).parent)])
    with (folder / "servers.log").open("a") as log:
        return subprocess.Popen(
            [sys.executable, *arguments],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": paths, **(variables or {})},
            stdout=log,
            stderr=log,
        )


def start(
    folder: Path, *arguments: str, variables: Mapping[str, str] | None = None
) -> "subprocess.Popen[bytes]":
    return run_python(folder, "-m", "dask", *arguments, variables=variables)


def scheduler(folder: Path, port: int) -> "subprocess.Popen[bytes]":
    given = ("--host", "127.0.0.1", "--port", str(port), "--no-dashboard")
    found = start(folder, "scheduler", *given)
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return found
        time.sleep(0.1)
    raise AssertionError((folder / "servers.log").read_text())


def worker(
    folder: Path, port: int, variables: Mapping[str, str] | None = None
) -> "subprocess.Popen[bytes]":
    given = ("--no-nanny", "--nthreads", "1", "--no-dashboard", "--memory-limit", "0")
    return start(folder, "worker", f"tcp://127.0.0.1:{port}", *given, variables=variables)


@contextmanager
def ended(processes: "list[subprocess.Popen[bytes]]") -> Iterator[None]:
    """Kill all of them, those that the block adds to the list too."""
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()
