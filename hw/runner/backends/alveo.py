# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Alveo cards, through XRT's pyxrt. It gives no access to registers: the record tells all."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import BoardError, BoardTimeoutError
from ..registers import Arguments

__all__ = ["AlveoDevice"]

_MEMORY_ARGUMENT = 0  # all arguments of the kernel are in one bank


class _Buffer:
    """A buffer object: the host's copy and the card's, synchronised as asked."""

    def __init__(self, found: Any, xrt: Any, size: int) -> None:  # noqa: ANN401  # no types
        self.object, self._directions = found, xrt.xclBOSyncDirection
        self.array: NDArray[np.uint8] = np.frombuffer(found.map(), np.uint8)[:size]
        self.address = int(found.address())

    def flush(self, size: int) -> None:
        self.object.sync(self._directions.XCL_BO_SYNC_BO_TO_DEVICE, size, 0)

    def invalidate(self, size: int) -> None:
        self.object.sync(self._directions.XCL_BO_SYNC_BO_FROM_DEVICE, size, 0)

    def free(self) -> None:
        pass  # with the object


class AlveoDevice:
    """A kernel's compute unit on an Alveo card; see Device.

    Args:
        xclbin: the kernel's container.
        kernel: its name there.
        clock_mhz: that it was linked for; XRT lowers it only with a warning of its own.
        index: of the card.
        unit: number of one of several compute units, from 1; 0 for the only one. Each has memory
            of its own.

    Raises:
        BoardError: no such file, card or unit, or XRT is missing.
    """

    registers = None

    def __init__(
        self, xclbin: Path, *, kernel: str, clock_mhz: float, index: int = 0, unit: int = 0
    ) -> None:
        if not xclbin.exists():
            raise BoardError(f"{xclbin}: is missing; package the board's products again")
        self._xrt = _pyxrt()
        self.name, self.clock_mhz = f"Alveo card {index}", clock_mhz
        if unit:
            self.name += f" unit {unit}"
            kernel = f"{kernel}:{{{kernel}_{unit}}}"  # XRT's name for a unit; v++ numbered it
        try:
            self._card = self._xrt.device(index)
            self._kernel = self._xrt.kernel(self._card, self._card.load_xclbin(str(xclbin)), kernel)
        except RuntimeError as error:
            raise BoardError(f"{self.name}: {xclbin} cannot be loaded: {error}") from error
        self._buffers: dict[int, _Buffer] = {}
        self._run: Any = None

    @property
    def cycles_per_second(self) -> float:
        """See Device."""
        return self.clock_mhz * 1e6

    def allocate(self, size: int) -> _Buffer:
        """See Device."""
        bank = self._kernel.group_id(_MEMORY_ARGUMENT)
        try:
            found = self._xrt.bo(self._card, size, self._xrt.bo.flags.normal, bank)
        except RuntimeError as error:
            raise BoardError(
                f"{self.name}: no buffer of {size} bytes: {error}; take smaller chunks"
            ) from error
        buffer = _Buffer(found, self._xrt, size)
        self._buffers[buffer.address] = buffer
        return buffer

    def start(self, arguments: Arguments) -> None:
        """See Device."""
        places = arguments.input_address, arguments.output_address, arguments.record_address
        source, target, record = (self._buffers[place].object for place in places)
        self._run = self._kernel(source, target, arguments.images, record)

    def wait(self, timeout_s: float) -> None:
        """See Device."""
        state = self._run.wait(max(1, round(timeout_s * 1000)))
        if state != self._xrt.ert_cmd_state.ERT_CMD_STATE_COMPLETED:
            raise BoardTimeoutError(
                f"{self.name}: not done in {timeout_s:g} s (XRT says {state}); reset the card with "
                "xbutil reset"
            )

    def close(self) -> None:
        """See Device; XRT gives the card back with the objects."""
        self._run, self._kernel, self._card, self._buffers = None, None, None, {}


def _pyxrt() -> Any:  # noqa: ANN401
    """Return XRT's module, which only a host with XRT has."""
    try:
        import pyxrt  # noqa: PLC0415
    except ImportError as error:
        raise BoardError(
            f"pyxrt is missing ({error}); source XRT's setup.sh on the card's host"
        ) from error
    return pyxrt
