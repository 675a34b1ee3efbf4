# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""pyxrt on the virtual board: what XRT does to a kernel's registers, replayed.

A start writes every word from 0x10 to the last argument, gaps too, then the start bit; while it
waits, XRT reads the control register, and at the end it reads the interrupt status and writes
that back.
"""

from types import ModuleType, SimpleNamespace
from typing import Any

from hw.runner.backends.virtual import VirtualDevice

__all__ = ["fake_xrt"]

_OFFSETS = (0x10, 0x1C, 0x28, 0x30)  # of the arguments; buffers take two words
_END = 0x38


def fake_xrt(board: VirtualDevice) -> ModuleType:
    """Return the module `pyxrt` with one card."""
    completed, timeout = object(), object()

    class Bo:
        flags = SimpleNamespace(normal=0)

        def __init__(self, card: Any, size: int, flags: int, group: int) -> None:  # noqa: ANN401, ARG002
            assert (flags, group) == (0, 1)
            self._part, self._host = board.allocate(size), bytearray(b"\xee" * size)

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
        def wait(self, timeout_ms: int) -> object:
            for _ in range(timeout_ms):
                board.kernel.ask(5, a=1000)
                if board.registers.read(0x00) & 2:
                    board.registers.write(0x0C, board.registers.read(0x0C))
                    return completed
            return timeout

    class Kernel:
        def __init__(self, card: Any, uuid: str, name: str) -> None:  # noqa: ANN401, ARG002
            if name != "hashing_kernel":
                raise RuntimeError(f"no such kernel: {name}")

        def group_id(self, argument: int) -> int:  # noqa: ARG002
            return 1

        def __call__(self, *arguments: Any) -> Run:  # noqa: ANN401
            words = dict.fromkeys(range(0x10, _END, 4), 0xDEAD)
            for offset, value in zip(_OFFSETS, arguments, strict=True):
                address = value.address() if isinstance(value, Bo) else value
                words[offset] = address & 0xFFFFFFFF
                if isinstance(value, Bo):
                    words[offset + 4] = address >> 32
            for offset, word in words.items():
                board.registers.write(offset, word)
            board.registers.write(0x00, 1)
            return Run()

    pyxrt = ModuleType("pyxrt")
    pyxrt.bo, pyxrt.kernel, pyxrt.run = Bo, Kernel, Run
    pyxrt.device = lambda index: SimpleNamespace(
        load_xclbin=lambda path: f"uuid of {path} on {index}"
    )
    pyxrt.xclBOSyncDirection = SimpleNamespace(
        XCL_BO_SYNC_BO_TO_DEVICE="to", XCL_BO_SYNC_BO_FROM_DEVICE="from"
    )
    pyxrt.ert_cmd_state = SimpleNamespace(ERT_CMD_STATE_COMPLETED=completed)
    return pyxrt
