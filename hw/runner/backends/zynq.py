# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Zynq boards, through PYNQ 3.1 or 4.0."""

import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import BoardError, BoardTimeoutError
from ..registers import Arguments
from ._control import acknowledge, begin, is_done

__all__ = ["ZynqDevice"]

_PS_CLOCK_MHZ = 100.0  # that every design is built for; a clk_wiz makes the kernel's clock of it
_POLL_S = 50e-6


class _Buffer:
    """Memory from PYNQ, cached by the host: flushed and invalidated as a whole."""

    def __init__(self, found: Any) -> None:  # noqa: ANN401  # pynq has no types
        self._found = found
        self.array: NDArray[np.uint8] = found
        self.address = int(found.device_address)

    def flush(self, size: int) -> None:  # noqa: ARG002  # PYNQ flushes all of it
        self._found.flush()

    def invalidate(self, size: int) -> None:  # noqa: ARG002
        self._found.invalidate()

    def free(self) -> None:
        self._found.freebuffer()


class _Registers:
    """PYNQ's memory-mapped registers."""

    def __init__(self, mapped: Any) -> None:  # noqa: ANN401
        self._mapped = mapped

    def read(self, address: int) -> int:
        return int(self._mapped.read(address))

    def write(self, address: int, value: int) -> None:
        self._mapped.write(address, value)


class ZynqDevice:
    """A kernel on a Zynq board; see Device.

    Args:
        bitstream: the .bit file; PYNQ wants the .hwh of the same name beside it.
        kernel: the name of the kernel's cell in the block design.
        clock_mhz: of the kernel where the PS gives 100 MHz.

    Raises:
        BoardError: no such bitstream or cell, or PYNQ is missing.
    """

    def __init__(self, bitstream: Path, *, kernel: str, clock_mhz: float) -> None:
        for path in (bitstream, bitstream.with_suffix(".hwh")):
            if not path.exists():
                raise BoardError(f"{path}: is missing; package the board's products again")
        pynq = _pynq()
        overlay = pynq.Overlay(str(bitstream))
        if kernel not in overlay.ip_dict:
            known = ", ".join(sorted(overlay.ip_dict)) or "none"
            raise BoardError(f"{bitstream}: no cell {kernel} among {known}; name the kernel's cell")
        place = overlay.ip_dict[kernel]
        self._pynq, self._overlay = pynq, overlay
        self.registers = _Registers(pynq.MMIO(place["phys_addr"], place["addr_range"]))
        self.name = "Zynq board"
        self._compiled_mhz = clock_mhz

    @property
    def clock_mhz(self) -> float:
        """The kernel's clock, from what the PS gives now."""
        return float(self._compiled_mhz * self._pynq.ps.Clocks.fclk0_mhz / _PS_CLOCK_MHZ)

    @property
    def cycles_per_second(self) -> float:
        """See Device."""
        return self.clock_mhz * 1e6

    def allocate(self, size: int) -> _Buffer:
        """See Device."""
        try:
            return _Buffer(self._pynq.allocate(shape=(size,), dtype=np.uint8))
        except (MemoryError, RuntimeError) as error:
            raise BoardError(
                f"{self.name}: no {size} bytes of contiguous memory ({error}); take smaller chunks"
            ) from error

    def start(self, arguments: Arguments) -> None:
        """See Device."""
        begin(self.registers, arguments)

    def wait(self, timeout_s: float) -> None:
        """See Device; looks at the control register."""
        end = time.monotonic() + timeout_s
        late = False  # told before the register is read, so that a host that slept looks once more
        while not is_done(self.registers):
            if late:
                raise BoardTimeoutError(
                    f"{self.name}: not done in {timeout_s:g} s; load the bitstream again"
                )
            time.sleep(_POLL_S)
            late = time.monotonic() > end
        acknowledge(self.registers)

    def close(self) -> None:
        """See Device."""
        self._overlay.free()


def _pynq() -> Any:  # noqa: ANN401
    """Return PYNQ, which only a board has."""
    try:
        import pynq  # noqa: PLC0415
        import pynq.ps  # noqa: PLC0415
    except ImportError as error:
        raise BoardError(
            f"PYNQ is missing ({error}); run this on the board, in PYNQ's Python"
        ) from error
    return pynq
