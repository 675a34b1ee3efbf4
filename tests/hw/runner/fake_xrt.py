# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""pyxrt on virtual boards, one a compute unit: what XRT does to their registers, replayed.

A start writes every word from 0x10 to the last argument, gaps too, then the start bit; while it
waits, XRT reads the control register, and at the end it reads the interrupt status and writes
that back. Each unit has a memory bank of its own, and reaches no other.
"""

from types import ModuleType, SimpleNamespace
from typing import Any

from hw.runner.backends.virtual import VirtualDevice

__all__ = ["fake_xrt"]

_OFFSETS = (0x10, 0x1C, 0x28, 0x30)  # of the arguments; buffers take two words
_END = 0x38


def fake_xrt(*boards: VirtualDevice) -> ModuleType:
    """Return the module `pyxrt` with one card; `started` lists units in the order of their runs."""
    completed, timeout = object(), object()
    started: list[int] = []
    names = {f"hashing_kernel:{{hashing_kernel_{n}}}": n for n in range(1, len(boards) + 1)}
    names |= {"hashing_kernel": 1}

    class Bo:
        flags = SimpleNamespace(normal=0)

        def __init__(self, card: Any, size: int, flags: int, group: int) -> None:  # noqa: ANN401, ARG002
            assert flags == 0
            self.group = group
            self._part, self._host = boards[group - 1].allocate(size), bytearray(b"\xee" * size)

        def map(self) -> memoryview:
            return memoryview(self._host)

        def address(self) -> int:
            return self._part.address

        def sync(self, direction: str, size: int, offset: int) -> None:
            assert offset == 0
            view = memoryview(self._part.array).cast("B")
            if direction == "to":
                view[:size] = self._host[:size]
                self._part.flush(size)
            else:
                self._part.invalidate(size)
                self._host[:size] = view[:size]

    class Run:
        def __init__(self, board: VirtualDevice) -> None:
            self._board = board

        def wait(self, timeout_ms: int) -> object:
            board = self._board
            for _ in range(timeout_ms):
                board.kernel.ask(5, a=1000)
                if board.registers.read(0x00) & 2:
                    board.registers.write(0x0C, board.registers.read(0x0C))
                    return completed
            return timeout

    class Kernel:
        def __init__(self, card: Any, uuid: str, name: str) -> None:  # noqa: ANN401, ARG002
            if name not in names:
                raise RuntimeError(f"no such kernel: {name}")
            self._unit = names[name]

        def group_id(self, argument: int) -> int:  # noqa: ARG002
            return self._unit

        def __call__(self, *arguments: Any) -> Run:  # noqa: ANN401
            board, words = boards[self._unit - 1], dict.fromkeys(range(0x10, _END, 4), 0xDEAD)
            for offset, value in zip(_OFFSETS, arguments, strict=True):
                address = value.address() if isinstance(value, Bo) else value
                words[offset] = address & 0xFFFFFFFF
                if isinstance(value, Bo):
                    assert value.group == self._unit, "memory that the unit does not reach"
                    words[offset + 4] = address >> 32
            for offset, word in words.items():
                board.registers.write(offset, word)
            board.registers.write(0x00, 1)
            started.append(self._unit)
            return Run(board)

    pyxrt = ModuleType("pyxrt")
    pyxrt.bo, pyxrt.kernel, pyxrt.run, pyxrt.started = Bo, Kernel, Run, started
    pyxrt.device = lambda index: SimpleNamespace(
        load_xclbin=lambda path: f"uuid of {path} on {index}"
    )
    pyxrt.xclBOSyncDirection = SimpleNamespace(
        XCL_BO_SYNC_BO_TO_DEVICE="to", XCL_BO_SYNC_BO_FROM_DEVICE="from"
    )
    pyxrt.ert_cmd_state = SimpleNamespace(ERT_CMD_STATE_COMPLETED=completed)
    return pyxrt
