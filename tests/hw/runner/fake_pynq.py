# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""PYNQ's Overlay, MMIO and allocate as its documentation has them, on the virtual board.

Strict: memory is not coherent, registers are words, freed memory and unknown arguments are errors.
"""

from types import ModuleType
from typing import Any

import numpy as np

from hw.runner.backends.virtual import VirtualDevice

__all__ = ["fake_pynq"]

CELL, BASE, RANGE = "kernel_0", 0x4000_0000, 0x1000


class PynqBuffer(np.ndarray[Any, np.dtype[np.uint8]]):
    """A numpy array that knows its physical address; the kernel sees it after flush alone."""

    device_address: int
    freed: bool

    def flush(self) -> None:
        """Write the host's cache back."""
        self._part.array[:] = self
        self._part.flush(self.size)

    def invalidate(self) -> None:
        """Drop the host's cache."""
        self._part.invalidate(self.size)
        self[:] = self._part.array

    def freebuffer(self) -> None:
        """Give the memory back, once."""
        assert not self.freed, "freed twice"
        self.freed = True


def fake_pynq(board: VirtualDevice, clock_mhz: float = 100.0) -> ModuleType:
    """Return the modules `pynq` and `pynq.ps` with one overlay on a board."""

    class Overlay:
        def __init__(self, bitfile_name: str) -> None:
            assert bitfile_name.endswith(".bit")
            self.ip_dict = {CELL: {"phys_addr": BASE, "addr_range": RANGE}}
            self.freed = False

        def free(self) -> None:
            assert not self.freed
            self.freed = True

    class MMIO:
        def __init__(self, base_addr: int, length: int) -> None:
            assert (base_addr, length) == (BASE, RANGE)

        def read(self, offset: int) -> int:
            assert offset % 4 == 0
            board.kernel.ask(5, a=50)  # time goes on while the host looks
            return board.registers.read(offset)

        def write(self, offset: int, value: int) -> None:
            assert offset % 4 == 0
            assert 0 <= value < 2**32
            board.registers.write(offset, value)

    def allocate(shape: tuple[int], dtype: type) -> PynqBuffer:
        assert dtype is np.uint8
        part = board.allocate(shape[0])
        buffer = np.full(shape, 0xEE, np.uint8).view(PynqBuffer)
        buffer._part, buffer.device_address, buffer.freed = part, part.address, False
        return buffer

    pynq, pynq.ps = ModuleType("pynq"), ModuleType("pynq.ps")
    pynq.Overlay, pynq.MMIO, pynq.allocate = Overlay, MMIO, allocate
    pynq.ps.Clocks = type("Clocks", (), {"fclk0_mhz": clock_mhz})
    return pynq
