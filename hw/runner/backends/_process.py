# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Requests to the program of a verilated kernel; kernel_harness.cpp is the other end."""

import contextlib
import io
import select
import struct
import subprocess
import time
from collections.abc import Sequence
from enum import IntEnum
from pathlib import Path

from ..errors import BoardError, BoardTimeoutError

__all__ = ["Operation", "SimulatedKernel"]

_REQUEST = struct.Struct("<IIQQ")
_REPLY_BYTES = 8


class Operation(IntEnum):
    """What the program can be asked for."""

    GET = 1
    PUT = 2
    WRITE = 3
    READ = 4
    RUN = 5
    SET = 6
    CYCLE = 7
    RESET = 8


class SimulatedKernel:
    """The process; a request that is not answered in time ends it.

    Args:
        command: the program and its arguments.
        folder: where it runs.
        name: of the board, in errors.
        timeout_s: for one answer.
    """

    def __init__(
        self, command: Sequence[str], folder: Path, name: str, timeout_s: float = 60
    ) -> None:
        self.name, self.timeout_s = name, timeout_s
        try:
            self._process = subprocess.Popen(
                command,
                cwd=folder,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        except OSError as error:
            raise BoardError(
                f"{name}: {command[0]} cannot be run ({error}); build the kernel again"
            ) from error

    def ask(
        self, operation: Operation, key: int = 0, a: int = 0, b: int = 0, data: bytes = b""
    ) -> int:
        """Return the program's answer.

        Raises:
            BoardError: the process has ended, with what it said.
            BoardTimeoutError: it does not answer; it is ended.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(_REQUEST.pack(operation, key, a, b) + data)
            self._process.stdin.flush()
        except (BrokenPipeError, ValueError) as error:
            raise self._ended() from error
        return int.from_bytes(self._receive(_REPLY_BYTES), "little", signed=True)

    def read_memory(self, address: int, size: int) -> bytes:
        """Return bytes of the memory.

        Raises:
            BoardError: outside it.
        """
        if self.ask(Operation.READ, a=address, b=size) < 0:
            raise BoardError(f"{self.name}: no memory of {size} bytes at {address:#x}")
        return self._receive(size)

    def close(self) -> None:
        """End the process."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            assert stream is not None
            with contextlib.suppress(BrokenPipeError):  # bytes for a process that has ended
                stream.close()

    def _receive(self, size: int) -> bytes:
        stream, end = self._process.stdout, time.monotonic() + self.timeout_s
        assert isinstance(stream, io.BufferedReader)
        found = b""
        while len(found) < size:
            left = end - time.monotonic()
            if left <= 0 or not select.select([stream], [], [], left)[0]:
                self.close()
                raise BoardTimeoutError(
                    f"{self.name}: the simulation did not answer in {self.timeout_s:g} s"
                )
            part = stream.read1(size - len(found))
            if not part:
                raise self._ended()
            found += part
        return found

    def _ended(self) -> BoardError:
        status = self._process.wait()
        said = b""
        if self._process.stderr is not None and not self._process.stderr.closed:
            said = self._process.stderr.read()
        reason = " ".join(said.decode(errors="replace").split()) or "no message"
        return BoardError(f"{self.name}: the simulation ended with status {status}: {reason}")
