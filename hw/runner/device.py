# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What the driver needs from a board."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .registers import Arguments

__all__ = ["Buffer", "Device", "Registers"]


class Buffer(Protocol):
    """Memory that host and kernel both know; neither sees the other's writes unless told."""

    @property
    def address(self) -> int:
        """Where the kernel finds it; a multiple of 64."""
        ...

    @property
    def array(self) -> NDArray[np.uint8]:
        """The host's view, uint8[size]."""
        ...

    def flush(self, size: int) -> None:
        """Show the kernel the first `size` bytes as the host has written them."""
        ...

    def invalidate(self, size: int) -> None:
        """Show the host the first `size` bytes as the kernel has written them."""
        ...

    def free(self) -> None:
        """Give it back; it is not used any more."""
        ...


class Registers(Protocol):
    """The kernel's registers of 32 bits, by byte address."""

    def read(self, address: int) -> int:
        """Return a register."""
        ...

    def write(self, address: int, value: int) -> None:
        """Write a register."""
        ...


class Device(Protocol):
    """A board with a kernel on it."""

    @property
    def name(self) -> str:
        """What reports and errors call it."""
        ...

    @property
    def clock_mhz(self) -> float:
        """The kernel's clock as the board has it; 0 where it cannot be read."""
        ...

    @property
    def cycles_per_second(self) -> float:
        """The slowest pace of cycles that is no fault: times out after several times as long."""
        ...

    @property
    def registers(self) -> Registers | None:
        """The kernel's registers, where the host can reach them."""
        ...

    def allocate(self, size: int) -> Buffer:
        """Return memory of `size` bytes.

        Raises:
            BoardError: there is not as much.
        """
        ...

    def start(self, arguments: Arguments) -> None:
        """Begin a run; none may be under way."""
        ...

    def wait(self, timeout_s: float) -> None:
        """Return when the run is done.

        Raises:
            BoardTimeoutError: it is not done in time.
        """
        ...

    def close(self) -> None:
        """Give the board back."""
        ...
