# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The virtual board: the verilated kernel in a process of its own, with memory and registers."""

from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import BoardError, BoardTimeoutError
from ..registers import Arguments
from ._control import acknowledge, begin, is_done
from ._process import Operation, SimulatedKernel

__all__ = ["Fault", "Memory", "VirtualDevice"]

_BASE, _SIZE, _ALIGNMENT = 0x1000_0000, 1 << 30, 4096
_SLICE_CYCLES = 5_000  # in a request: few enough for the slowest simulation to answer in time
_RATE = 2**32  # the program's probability of 1
_PACE = 10_000.0  # cycles that stand for a second: no load of the host ends a run that goes on


class Fault(IntEnum):
    """What a memory does to accesses in a range of addresses."""

    NONE = 0
    SLVERR = 2
    DECERR = 3
    SILENT = 4  # takes the address and never answers
    REFUSED = 5  # never takes the address


@dataclass(frozen=True)
class Memory:
    """How the memory behaves.

    Attributes:
        latency_cycles: from an address to its first beat.
        jitter_cycles: that are added at most.
        stall: probability that a channel is held back in a cycle.
        seed: of jitter and stalls.
        read_fault, write_fault: what accesses of `fault_range` meet.
        fault_range: first address and the one behind the last.
    """

    latency_cycles: int = 100
    jitter_cycles: int = 20
    stall: float = 0.0
    seed: int = 0
    read_fault: Fault = Fault.NONE
    write_fault: Fault = Fault.NONE
    fault_range: tuple[int, int] = (0, 2**64 - 1)

    def options(self) -> tuple[int, ...]:
        """Return the values of the program's options, in their order."""
        numbers = self.latency_cycles, self.jitter_cycles, round(self.stall * _RATE), self.seed
        return (*numbers, self.read_fault, self.write_fault, *self.fault_range)


class _Buffer:
    """The host's copy of a part of the program's memory: nothing is seen unless told."""

    def __init__(self, kernel: SimulatedKernel, address: int, size: int) -> None:
        self.address = address
        self.array: NDArray[np.uint8] = np.zeros(size, np.uint8)
        self._kernel = kernel

    def flush(self, size: int) -> None:
        data = self.array[:size].tobytes()
        if self._kernel.ask(Operation.WRITE, a=self.address, b=size, data=data) < 0:
            raise BoardError(f"{self._kernel.name}: no memory of {size} bytes at {self.address:#x}")

    def invalidate(self, size: int) -> None:
        found = self._kernel.read_memory(self.address, size)
        self.array[:size] = np.frombuffer(found, np.uint8)

    def free(self) -> None:
        pass  # the memory goes with the process


class _Registers:
    def __init__(self, kernel: SimulatedKernel) -> None:
        self._kernel = kernel

    def read(self, address: int) -> int:
        return self._kernel.ask(Operation.GET, a=address)

    def write(self, address: int, value: int) -> None:
        self._kernel.ask(Operation.PUT, a=address, b=value)


class VirtualDevice:
    """A kernel in simulation; see Device.

    Args:
        program: from hw.verilator.kernel.build_kernel.
        folder: the kernel's.
        memory: how its memory behaves.

    Raises:
        BoardError: the program cannot be run.
    """

    name = "virtual board"
    cycles_per_second = _PACE

    def __init__(self, program: Path, folder: Path, memory: Memory | None = None) -> None:
        command = [str(program), hex(_BASE), str(_SIZE)]
        self.kernel = SimulatedKernel(command, folder, self.name)
        self.registers = _Registers(self.kernel)
        self.clock_mhz = 0.0  # a simulation has none
        self._next = _BASE
        self.set_memory(memory or Memory())

    def set_memory(self, memory: Memory) -> None:
        """Change how the memory behaves from now on."""
        for key, value in enumerate(memory.options()):
            self.kernel.ask(Operation.SET, key, value)

    def allocate(self, size: int) -> _Buffer:
        """See Device."""
        address, self._next = self._next, self._next + -(-size // _ALIGNMENT) * _ALIGNMENT
        if self._next > _BASE + _SIZE:
            raise BoardError(
                f"{self.name}: no {size} bytes left of {_SIZE >> 20} MiB; take smaller chunks"
            )
        return _Buffer(self.kernel, address, size)

    def start(self, arguments: Arguments) -> None:
        """See Device."""
        begin(self.registers, arguments)

    def wait(self, timeout_s: float) -> None:
        """See Device; simulates until the interrupt, with the time counted in cycles."""
        left = timeout_s * self.cycles_per_second
        while not self.kernel.ask(Operation.RUN, a=_SLICE_CYCLES):
            left -= _SLICE_CYCLES
            if left < 0:
                cycles = round(timeout_s * self.cycles_per_second)
                raise BoardTimeoutError(f"{self.name}: not done in {cycles:,} cycles")
        acknowledge(self.registers)
        if not is_done(self.registers):
            raise BoardError(f"{self.name}: interrupted without being done; a bug of the kernel")

    def close(self) -> None:
        """See Device."""
        self.kernel.close()
