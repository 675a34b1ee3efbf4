# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Frames on a serial line, as hw/rtl/uart/uart_pkg.sv defines them, and the line itself."""

import os
import select
import struct
import termios
import tty
import zlib
from dataclasses import dataclass
from enum import IntEnum

from ..errors import BoardError

__all__ = ["ANSWER", "IDENTITY_BYTES", "Frame", "Identity", "Kind", "Parser", "SerialLine"]

_SYNC = b"\x5a"
_HEADER, _CRC = struct.Struct("<BHH"), struct.Struct("<I")
_IDENTITY = struct.Struct("<II16sIIIIII")
_READ_BYTES = 1 << 16
IDENTITY_BYTES = _IDENTITY.size
ANSWER = 0x80  # in the kind of an answer
MAGIC = 0x55465453  # "STFU": the board's end of the link
VERSION = 1


class Kind(IntEnum):
    """What is asked of the board."""

    IDENTIFY = 1
    INFER = 2


@dataclass(frozen=True)
class Frame:
    """A request or an answer."""

    kind: int
    sequence: int
    payload: bytes = b""

    def encode(self) -> bytes:
        """Return the bytes on the line."""
        body = _HEADER.pack(self.kind, self.sequence, len(self.payload)) + self.payload
        return _SYNC + body + _CRC.pack(zlib.crc32(body))


@dataclass(frozen=True)
class Identity:
    """What the board says of itself.

    Attributes:
        digest: 16 bytes that name the accelerator.
        frame_bytes, result_bytes: of an image, of its results.
        clock_hz: of the accelerator.
        baud: that the board counts its bits by.
        slots: images that it holds: as many may be unanswered.
        dropped: requests that came damaged, or too many, since it was loaded.
    """

    magic: int
    version: int
    digest: bytes
    frame_bytes: int
    result_bytes: int
    clock_hz: int
    baud: int
    slots: int
    dropped: int

    @classmethod
    def parse(cls, data: bytes) -> "Identity":
        """Read an answer's payload.

        Raises:
            BoardError: it is none, or of another version.
        """
        if len(data) != _IDENTITY.size:
            raise BoardError(f"identity: {len(data)} bytes are not {_IDENTITY.size}")
        found = cls(*_IDENTITY.unpack(data))
        if (found.magic, found.version) != (MAGIC, VERSION):
            raise BoardError(
                f"identity: magic {found.magic:#010x}, version {found.version} are not "
                f"{MAGIC:#010x}, {VERSION}; use the runner that was packaged with the bitstream"
            )
        return found


class Parser:
    """Finds frames in bytes as they come; what is damaged is passed over.

    A byte that only looks like a frame's first one hides no frame: the search goes on behind it.

    Args:
        lengths: bytes of the payload of an answer, by the kind of the request.
    """

    def __init__(self, lengths: "dict[int, int]") -> None:
        self.lengths = lengths
        self._bytes = bytearray()
        self.damaged = 0

    def feed(self, data: bytes) -> list[Frame]:
        """Return the frames that are complete now."""
        self._bytes += data
        found = []
        while (frame := self._next()) is not None:
            found.append(frame)
        return found

    def _next(self) -> "Frame | None":
        held = self._bytes
        while True:
            start = held.find(_SYNC)
            del held[: len(held) if start < 0 else start]
            if len(held) < 1 + _HEADER.size:
                return None
            kind, sequence, length = _HEADER.unpack_from(held, 1)
            end = 1 + _HEADER.size + length
            if kind & ANSWER and self.lengths.get(kind & ~ANSWER) == length:
                if len(held) < end + _CRC.size:
                    return None
                if _CRC.unpack_from(held, end)[0] == zlib.crc32(bytes(held[1:end])):
                    payload = bytes(held[1 + _HEADER.size : end])
                    del held[: end + _CRC.size]
                    return Frame(kind & ~ANSWER, sequence, payload)
            self.damaged += 1
            del held[0]


class SerialLine:
    """A serial port, raw, 8N1, never blocking.

    Args:
        port: the device file.
        baud: bits a second.

    Raises:
        BoardError: no such port, none that may be opened, or a baud rate that it has not.
    """

    def __init__(self, port: str, baud: int) -> None:
        speed = getattr(termios, f"B{baud}", None)
        if speed is None:
            raise BoardError(f"{port}: no baud rate {baud}; build for one as 3000000 or 115200")
        try:
            self._file = os.open(port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        except OSError as error:
            raise BoardError(
                f"{port}: cannot be opened ({error.strerror}); plug the board in, name its port "
                "by --device, and be in the group that owns it"
            ) from error
        try:
            self._configure(speed)
        except termios.error as error:
            os.close(self._file)
            raise BoardError(
                f"{port}: is no serial port ({error.args[-1]}); name another"
            ) from error
        self.port = port

    def _configure(self, speed: int) -> None:
        tty.setraw(self._file)
        mode = termios.tcgetattr(self._file)
        mode[2] = mode[2] & ~(termios.PARENB | termios.CSTOPB | termios.CRTSCTS) | termios.CLOCAL
        mode[4] = mode[5] = speed
        termios.tcsetattr(self._file, termios.TCSANOW, mode)
        termios.tcflush(self._file, termios.TCIOFLUSH)

    def transfer(self, outgoing: bytearray, timeout_s: float) -> bytes:
        """Wait for the line at most so long; send and remove what it takes; return what came.

        Raises:
            BoardError: the port has gone.
        """
        wanted = [self._file] if outgoing else []
        try:
            readable, writable, _ = select.select([self._file], wanted, [], max(0.0, timeout_s))
            if writable:
                del outgoing[: os.write(self._file, outgoing)]
            return os.read(self._file, _READ_BYTES) if readable else b""
        except BlockingIOError:
            return b""
        except OSError as error:
            raise BoardError(
                f"{self.port}: the line broke ({error.strerror}); plug the board in again"
            ) from error

    def close(self) -> None:
        """Give the port back; it is not used any more."""
        if self._file >= 0:
            os.close(self._file)
        self._file = -1
