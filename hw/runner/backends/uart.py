# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A board behind a serial line, as an ULX3S: images go over it one by one, results come back.

The standard library's termios is all that it needs.
"""

import os
import time
from collections import deque
from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import BoardError, BoardTimeoutError
from ..registers import MAGIC, RECORD_BYTES, STATUS_BLOCK, VERSION, Arguments, Record
from ._uart_link import IDENTITY_BYTES, Frame, Identity, Kind, Parser, SerialLine

__all__ = ["LinkFigures", "UartDevice"]

_ALIGNMENT = 64
_CYCLES = 4  # bytes behind the results
_BITS = 10  # of a byte on the line
_ATTEMPTS = 5
_MANY = 1 << 32


@dataclass
class LinkFigures:
    """What the line has done.

    Attributes:
        asked: requests, repeated ones among them.
        repeated: that were not answered in time.
        strange: answers to nothing that is waited for.
    """

    asked: int = 0
    repeated: int = 0
    strange: int = 0


class _Buffer:
    """Host's memory under an address: the board has none."""

    def __init__(self, address: int, size: int) -> None:
        self.address = address
        self.array: NDArray[np.uint8] = np.zeros(size, np.uint8)

    def flush(self, size: int) -> None:
        pass  # it is sent when the run starts

    def invalidate(self, size: int) -> None:
        pass

    def free(self) -> None:
        pass


class _Registers:
    """The status block, as the board's identity tells it."""

    def __init__(self, record: Record) -> None:
        self._words = _encode(record)

    def read(self, address: int) -> int:
        place = address - STATUS_BLOCK
        return int.from_bytes(self._words[place : place + 4], "little")

    def write(self, address: int, value: int) -> None:
        raise BoardError(f"register {address:#x}: cannot be set to {value} by the serial line")


@dataclass
class _Waiting:
    """An image that is not answered yet."""

    index: int
    deadline: float
    attempts: int


class UartDevice:
    """A kernel behind a serial line; see Device.

    A request that is not answered in time is sent again: the board forgets an image when it has
    answered it, so nothing is counted twice. As many images are under way as the board holds.

    Args:
        port: the device file, as /dev/ttyUSB0.
        baud: of the line.
        answer_s: after which a request is sent again.

    Raises:
        BoardError: no such port, or another design on the board.
        BoardTimeoutError: the board does not say who it is.
    """

    def __init__(self, port: str, *, baud: int = 3_000_000, answer_s: float = 0.5) -> None:
        self.name = f"board at {port}"
        self.figures = LinkFigures()
        self._line, self._parser = SerialLine(port, baud), Parser({Kind.IDENTIFY: IDENTITY_BYTES})
        self._answer_s, self._outgoing = answer_s, bytearray()
        self._sequence = int.from_bytes(os.urandom(2), "little")
        self._buffers: dict[int, _Buffer] = {}
        self._next, self._runs = _ALIGNMENT, 0
        self._arguments: Arguments | None = None
        try:
            self.identity = self._identify()
        except BoardError:
            self._line.close()
            raise
        self._parser.lengths[Kind.INFER] = self.identity.result_bytes + _CYCLES
        self.registers = _Registers(self._record(0, 0))
        self.baud = baud

    @property
    def clock_mhz(self) -> float:
        """The accelerator's clock, as the bitstream was timed for."""
        return self.identity.clock_hz / 1e6

    @property
    def cycles_per_second(self) -> float:
        """See Device; `wait` adds what the line takes."""
        return float(self.identity.clock_hz)

    def allocate(self, size: int) -> _Buffer:
        """See Device."""
        buffer = _Buffer(self._next, size)
        self._buffers[buffer.address] = buffer
        self._next += -(-size // _ALIGNMENT) * _ALIGNMENT
        return buffer

    def start(self, arguments: Arguments) -> None:
        """See Device; `wait` does the work."""
        self._arguments = arguments

    def wait(self, timeout_s: float) -> None:
        """See Device; sends the images, takes the results, and leaves a record of both."""
        assert self._arguments is not None, "nothing was started"
        given, self._arguments = self._arguments, None
        line_s = given.images * _BITS * (self.identity.frame_bytes + 64) / self.baud
        end = time.monotonic() + timeout_s + 10 * line_s + _ATTEMPTS * self._answer_s
        cycles = self._exchange(given, end)
        self._runs += 1
        record = _encode(self._record(given.images, cycles))
        self._buffers[given.record_address].array[:] = np.frombuffer(record, np.uint8)

    def close(self) -> None:
        """See Device."""
        self._line.close()

    def _exchange(self, given: Arguments, end: float) -> int:
        """Send all images of a run and store their results; return the cycles that these took."""
        left = deque(range(given.images))
        waiting: dict[int, _Waiting] = {}
        cycles = 0
        while left or waiting:
            while left and len(waiting) < self.identity.slots:
                self._send(waiting, given, _Waiting(left.popleft(), 0.0, 0))
            now = time.monotonic()
            if now > end:
                raise BoardTimeoutError(f"{self.name}: {len(left) + len(waiting)} images are left")
            first = min(entry.deadline for entry in waiting.values())
            for frame in self._receive(min(first, end) - now):
                found = waiting.pop(frame.sequence, None) if frame.kind == Kind.INFER else None
                if found is None:
                    self.figures.strange += 1
                else:
                    cycles += self._store(given, found.index, frame.payload)
            self._repeat(waiting, given)
        return cycles

    def _send(self, waiting: "dict[int, _Waiting]", given: Arguments, entry: _Waiting) -> None:
        if entry.attempts == _ATTEMPTS:
            raise BoardTimeoutError(
                f"{self.name}: no answer to image {entry.index} in {_ATTEMPTS} times "
                f"{self._answer_s:g} s; press the board's reset, or load the bitstream again"
            )
        size = self.identity.frame_bytes
        start = entry.index * size
        image = self._buffers[given.input_address].array[start : start + size].tobytes()
        waiting[self._ask(Kind.INFER, image)] = _Waiting(
            entry.index, time.monotonic() + self._answer_s, entry.attempts + 1
        )

    def _repeat(self, waiting: "dict[int, _Waiting]", given: Arguments) -> None:
        """Send again what was not answered in time, under a new number."""
        now = time.monotonic()
        for sequence in [key for key, entry in waiting.items() if entry.deadline < now]:
            self.figures.repeated += 1
            self._send(waiting, given, waiting.pop(sequence))

    def _store(self, given: Arguments, index: int, payload: bytes) -> int:
        """Put an image's results where the run wants them; return its cycles."""
        size = self.identity.result_bytes
        target = self._buffers[given.output_address].array
        target[index * size : (index + 1) * size] = np.frombuffer(payload[:size], np.uint8)
        return int.from_bytes(payload[size:], "little")

    def _identify(self) -> Identity:
        for _ in range(_ATTEMPTS):
            sequence, end = self._ask(Kind.IDENTIFY), time.monotonic() + self._answer_s
            while (left := end - time.monotonic()) > 0:
                for frame in self._receive(left):
                    if (frame.kind, frame.sequence) == (Kind.IDENTIFY, sequence):
                        return Identity.parse(frame.payload)
        raise BoardTimeoutError(
            f"{self.name}: does not say who it is; load its bitstream, as by "
            "openFPGALoader --board ulx3s kernel.bit"
        )

    def _ask(self, kind: Kind, payload: bytes = b"") -> int:
        """Put a request on its way; return its number."""
        self._sequence = (self._sequence + 1) % (1 << 16)
        self._outgoing += Frame(kind, self._sequence, payload).encode()
        self.figures.asked += 1
        return self._sequence

    def _receive(self, timeout_s: float) -> "list[Frame]":
        return self._parser.feed(self._line.transfer(self._outgoing, timeout_s))

    def _record(self, images: int, cycles: int) -> Record:
        return Record(
            magic=MAGIC,
            version=VERSION,
            digest=self.identity.digest,
            count=images,
            images=images,
            cycles=cycles,
            starved=0,
            blocked=0,
            status=0,
            number=self._runs % _MANY,
        )


def _encode(record: Record) -> bytes:
    """Return a record as the kernel writes one."""
    fields = astuple(record)
    sizes = (4, 4, 0, 4, 4, 8, 8, 8, 4, 4)
    words = [
        field if isinstance(field, bytes) else int(field).to_bytes(size, "little")
        for field, size in zip(fields, sizes, strict=True)
    ]
    data = b"".join(words)
    assert len(data) == RECORD_BYTES
    return data
