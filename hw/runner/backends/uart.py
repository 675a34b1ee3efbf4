# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A board behind a serial line, as an ULX3S: images go over it one by one, results come back.

The standard library's termios is all that it needs.
"""

import os
import time
from collections import deque
from collections.abc import Iterator
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
_AROUND = 64  # bytes that go with an image, at most about
_ATTEMPTS = 5  # at an answer of a line on which nothing comes
_MANY = 1 << 32


@dataclass
class LinkFigures:
    """What the line has done.

    Attributes:
        asked: requests, repeated ones among them.
        repeated: that were not answered in time.
        late: answers after that time: the next ones get twice as much.
        strange: answers to nothing that is waited for.
    """

    asked: int = 0
    repeated: int = 0
    late: int = 0
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


class _Waiting:
    """Images that are not answered yet, each under the numbers of all requests for it."""

    def __init__(self) -> None:
        self._sent: dict[int, tuple[int, float]] = {}  # image and time, by request
        self._overdue: dict[int, float] = {}  # when it is to be sent again, by image

    def __len__(self) -> int:
        return len(self._overdue)

    def add(self, request: int, image: int, patience_s: float) -> None:
        now = time.monotonic()
        self._sent[request], self._overdue[image] = (image, now), now + patience_s

    def take(self, request: int) -> "tuple[int, float] | None":
        """Return whose answer this is, and the seconds that it took; the image waits no more."""
        if request not in self._sent:
            return None
        found, begin = self._sent[request]
        self._sent = {key: value for key, value in self._sent.items() if value[0] != found}
        del self._overdue[found]
        return found, time.monotonic() - begin

    def next_overdue(self) -> float:
        return min(self._overdue.values())

    def overdue(self) -> "list[int]":
        now = time.monotonic()
        return [image for image, moment in self._overdue.items() if moment < now]


class UartDevice:
    """A kernel behind a serial line; see Device.

    A request that is not answered in time is sent again, as often as it takes while the board
    answers others: only a line on which nothing comes any more is given up. The board forgets an
    image when it has answered it, and the first answer to an image is taken, whichever request it
    is to, so nothing is counted twice. As many images are under way as the board holds.

    Args:
        port: the device file, as /dev/ttyUSB0.
        baud: of the line.
        answer_s: after which a request is sent again; more where the line or the board is slower.

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
        round_s = self.identity.slots * _BITS * (self.identity.frame_bytes + _AROUND) / baud
        self._answer_s = max(answer_s, 2 * round_s)
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
        """See Device; sends the images, takes the results, and leaves a record of both.

        The time counts anew from every image that is answered, as the line may be bad.
        """
        assert self._arguments is not None, "nothing was started"
        given, self._arguments = self._arguments, None
        cycles = self._exchange(given, timeout_s + _ATTEMPTS * self._answer_s)
        self._runs += 1
        record = _encode(self._record(given.images, cycles))
        self._buffers[given.record_address].array[:] = np.frombuffer(record, np.uint8)

    def close(self) -> None:
        """See Device."""
        self._line.close()

    def _exchange(self, given: Arguments, silence_s: float) -> int:
        """Send all images of a run and store their results; return the cycles that these took."""
        left = deque(range(given.images))
        waiting = _Waiting()
        cycles, heard = 0, time.monotonic()
        while left or waiting:
            while left and len(waiting) < self.identity.slots:
                self._send(waiting, given, left.popleft())
            for image, payload in self._answers(waiting, heard + silence_s):
                cycles += self._store(given, image, payload)
                heard = time.monotonic()
            if time.monotonic() > heard + silence_s:
                raise BoardTimeoutError(
                    f"{self.name}: no answer in {silence_s:.3g} s, {len(left) + len(waiting)} of "
                    f"{given.images} images are left; press the board's reset, or load the "
                    "bitstream again"
                )
            self._repeat(waiting, given)
        return cycles

    def _answers(self, waiting: _Waiting, end: float) -> "Iterator[tuple[int, bytes]]":
        """Yield images and their answers, of what comes until a request is overdue."""
        left = min(waiting.next_overdue(), end) - time.monotonic()
        for frame in self._receive(left):
            found = waiting.take(frame.sequence) if frame.kind == Kind.INFER else None
            if found is None:
                self.figures.strange += 1
                continue
            image, seconds = found
            if seconds > self._answer_s:
                self.figures.late += 1
                self._answer_s = 2 * seconds
            yield image, frame.payload

    def _send(self, waiting: _Waiting, given: Arguments, index: int) -> None:
        size = self.identity.frame_bytes
        image = self._buffers[given.input_address].array[index * size : (index + 1) * size]
        waiting.add(self._ask(Kind.INFER, image.tobytes()), index, self._answer_s)

    def _repeat(self, waiting: _Waiting, given: Arguments) -> None:
        """Send again what was not answered in time, under a new number."""
        for image in waiting.overdue():
            self.figures.repeated += 1
            self._send(waiting, given, image)

    def _store(self, given: Arguments, index: int, payload: bytes) -> int:
        """Put an image's results where the run wants them; return its cycles."""
        size = self.identity.result_bytes
        target = self._buffers[given.output_address].array
        target[index * size : (index + 1) * size] = np.frombuffer(payload[:size], np.uint8)
        return int.from_bytes(payload[size:], "little")

    def _identify(self) -> Identity:
        asked = set()
        for _ in range(_ATTEMPTS):
            asked.add(self._ask(Kind.IDENTIFY))
            end = time.monotonic() + self._answer_s
            while (left := end - time.monotonic()) > 0:
                for frame in self._receive(left):
                    if frame.kind == Kind.IDENTIFY and frame.sequence in asked:
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
