# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""PYNQ's own registers and buffers, where the package is installed, over the virtual board.

Its Overlay needs a board; the rest runs anywhere once a device stands behind it:
`pip install --no-deps pynq pynqutils pynqmetadata tqdm lxml python-magic setproctitle IPython
"numpy<2"`. Passed with PYNQ 3.1.2.
"""

import inspect
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_pynq import CELL, fake_pynq
from virtual_board import Built

from hw.runner.backends.virtual import VirtualDevice
from hw.runner.backends.zynq import ZynqDevice
from hw.runner.driver import Driver

pynq = pytest.importorskip("pynq")


class Behind:
    """What PYNQ calls a device: registers, and memory that is not coherent."""

    def __init__(self, board: VirtualDevice) -> None:
        self.board, self.parts = board, dict[int, Any]()

    def has_capability(self, name: str) -> bool:
        return name == "REGISTER_RW"

    def read_registers(self, address: int, length: int) -> bytes:
        self.board.kernel.ask(5, a=50)  # time goes on while the host looks
        return self.board.registers.read(address - self.base).to_bytes(length, "little")

    base = 0x4000_0000  # of fake_pynq's cell

    def write_registers(self, address: int, data: bytes) -> None:
        self.board.registers.write(address - self.base, int.from_bytes(bytes(data), "little"))

    def allocate(self, shape: tuple[int], dtype: type) -> Any:  # noqa: ANN401
        part = self.board.allocate(int(np.prod(shape)))
        place = {"device": self, "device_address": part.address, "bo": part.address}
        buffer = pynq.buffer.PynqBuffer(shape, dtype=dtype, **place)
        buffer.freed, self.parts[part.address] = True, (part, buffer)  # no kernel maps it
        return buffer

    def flush(self, bo: int, *_place: int) -> None:
        part, buffer = self.parts[bo]
        part.array[:] = np.asarray(buffer)
        part.flush(part.array.size)

    def invalidate(self, bo: int, *_place: int) -> None:
        part, buffer = self.parts[bo]
        part.invalidate(part.array.size)
        np.asarray(buffer)[:] = part.array


def test_pynq_has_what_the_driver_calls() -> None:
    import pynq.ps  # noqa: PLC0415

    assert "bitfile_name" in inspect.signature(pynq.Overlay).parameters
    assert callable(pynq.Overlay.free)
    assert hasattr(type(pynq.ps.Clocks), "fclk0_mhz")


def test_a_run_over_pynq_s_registers_and_buffers(
    board: VirtualDevice, built: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    strict, behind = fake_pynq(board), Behind(board)
    strict.MMIO = lambda base, length: pynq.MMIO(base, length, device=behind)
    strict.allocate = lambda shape, dtype: pynq.allocate(shape, dtype, target=behind)
    monkeypatch.setitem(sys.modules, "pynq", strict)
    monkeypatch.setitem(sys.modules, "pynq.ps", strict.ps)
    for suffix in ("bit", "hwh"):
        (tmp_path / f"kernel.{suffix}").touch()
    device = ZynqDevice(tmp_path / "kernel.bit", kernel=CELL, clock_mhz=100.0)
    with Driver(device, built.description, chunk_images=5) as driver:
        found = driver.run(built.images)
    np.testing.assert_array_equal(found.values, built.expected)
