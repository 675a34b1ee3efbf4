# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Registers and completion record of a kernel, as hw/rtl/shell lays them out."""

import struct
from dataclasses import dataclass
from typing import NamedTuple

from .errors import BoardError

__all__ = [
    "CONTROL",
    "DONE",
    "GLOBAL_INTERRUPT",
    "IDLE",
    "INTERRUPT_ENABLE",
    "INTERRUPT_STATUS",
    "MAGIC",
    "RECORD_BYTES",
    "START",
    "STATUS_BLOCK",
    "VERSION",
    "Arguments",
    "Record",
    "explain_status",
]

MAGIC = 0x4C465453  # "STFL"
VERSION = 1
RECORD_BYTES = 64

CONTROL, GLOBAL_INTERRUPT, INTERRUPT_ENABLE, INTERRUPT_STATUS = 0x00, 0x04, 0x08, 0x0C
START, DONE, IDLE = 1, 2, 4  # bits of CONTROL
STATUS_BLOCK = 0x80  # the words of the record, read-only

_INPUT, _OUTPUT, _COUNT, _RECORD = 0x10, 0x1C, 0x28, 0x30
_LAYOUT = struct.Struct("<II16sIIQQQII")

_STATUS = (
    "the input address is no multiple of 64",
    "the output address is no multiple of 64",
    "the record address is no multiple of 64",
    "memory answered a read with SLVERR",
    "memory answered a read with DECERR",
    "memory answered a write with SLVERR",
    "memory answered a write with DECERR",
    "memory stopped answering reads",
    "memory stopped answering writes",
    "the accelerator stopped",
)


class Arguments(NamedTuple):
    """Where a run finds its images and leaves its results; addresses are multiples of 64."""

    input_address: int
    output_address: int
    images: int
    record_address: int

    def writes(self) -> list[tuple[int, int]]:
        """Return the register writes (address, value) that hand over the arguments."""
        found = []
        for place, value in (
            (_INPUT, self.input_address),
            (_OUTPUT, self.output_address),
            (_RECORD, self.record_address),
        ):
            found += [(place, value & 0xFFFFFFFF), (place + 4, value >> 32)]
        return [*found, (_COUNT, self.images)]


@dataclass(frozen=True)
class Record:
    """What the kernel tells of a run; cycles are its own clock's.

    Attributes:
        digest: 16 bytes that name the accelerator.
        count: images that were asked for.
        images: images whose results came from the accelerator.
        cycles: from the start to the last result's write response.
        starved: cycles in which the accelerator waited for memory.
        blocked: cycles in which memory made the accelerator wait.
        status: 0 for success; see explain_status.
        number: of the run since the kernel's reset.
    """

    magic: int
    version: int
    digest: bytes
    count: int
    images: int
    cycles: int
    starved: int
    blocked: int
    status: int
    number: int

    @classmethod
    def parse(cls, data: bytes) -> "Record":
        """Read 64 bytes of memory, or the words of the status block.

        Raises:
            BoardError: another size, or no record of a kernel.
        """
        if len(data) != RECORD_BYTES:
            raise BoardError(f"record: {len(data)} bytes are not {RECORD_BYTES}")
        record = cls(*_LAYOUT.unpack(data))
        if record.magic != MAGIC:
            raise BoardError(
                f"record: magic {record.magic:#010x} is not {MAGIC:#010x}; "
                "the kernel wrote nothing there, or this is no kernel of steelflow"
            )
        if record.version != VERSION:
            raise BoardError(
                f"record: version {record.version} of the kernel is not {VERSION}; "
                "use the runner that was packaged with it"
            )
        return record


def explain_status(status: int) -> str:
    """Return what the bits of a status word mean."""
    known = [text for bit, text in enumerate(_STATUS) if status >> bit & 1]
    rest = status >> len(_STATUS) << len(_STATUS)
    return "; ".join([*known, *([f"unknown bits {rest:#x}"] if rest else [])]) or "success"
