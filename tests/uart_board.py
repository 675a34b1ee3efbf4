# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A board behind a UART, in simulation, whose accelerator is quick and easy to predict."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from hashing_kernel import Geometry, write_hashing_kernel
from numpy.typing import NDArray

from hw.boards import BoardSettings, find_board
from hw.runner.backends.uart import UartDevice
from hw.runner.description import Description
from hw.shell.kernel import Kernel
from hw.verilator.uart import build_uart_program, uart_terminal

__all__ = ["BAUD", "CLOCK_HZ", "GEOMETRY", "UartBoard", "build_uart_board", "noise"]

GEOMETRY = Geometry(in_bytes=3, frame_beats=12, out_beats=2, lanes=2, value_bits=11)
BAUD, CLOCK_HZ = 3_000_000, 25_000_000
_CELLS = Path(__file__).parents[1] / "hw" / "ecp5" / "cells" / "ecp5_cells.v"


@dataclass(frozen=True)
class UartBoard:
    """A kernel and the program of its board's RTL."""

    kernel: Kernel
    program: Path

    @property
    def description(self) -> Description:
        """What kernel.json says."""
        return Description.load(self.kernel.folder / "kernel.json")

    @contextmanager
    def device(self) -> Iterator[UartDevice]:
        """The board, switched on."""
        terminal = uart_terminal(
            self.program,
            clock_hz=CLOCK_HZ,
            baud=BAUD,
            quiet_cycles=20_000,
            folder=self.program.parent,
        )
        with terminal as port:
            device = UartDevice(str(port), baud=BAUD, answer_s=2.0)
            yield device
            device.close()


def noise(count: int) -> NDArray[np.uint8]:
    """Images for the kernel."""
    shape = (count, GEOMETRY.frame_beats, 1, GEOMETRY.in_bytes)
    return np.random.default_rng(3).integers(0, 256, shape, dtype=np.uint8)


def build_uart_board(folder: Path) -> UartBoard:
    """Compile the RTL that the board's bitstream is made of."""
    kernel = write_hashing_kernel(GEOMETRY, folder, "LFE5U-85F-6BG381C")
    plan = find_board("ulx3s-85f").plan(kernel, BoardSettings(clock_mhz=CLOCK_HZ / 1e6))
    rtl = {name: text for name, text in plan.files.items() if name.endswith((".sv", ".v"))}
    model = _CELLS.read_text()
    rtl["ehxplll.sv"] = model[model.index("module EHXPLLL") : model.index("// A global")].encode()
    program = build_uart_program("uart_board", rtl, folder / "verilator", optimize=False)
    return UartBoard(kernel, program)
