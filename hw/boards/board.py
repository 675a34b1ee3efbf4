# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What a board is: its part, its ports, the tools that build for it, and the plan of a build."""

import shutil
from abc import ABC, abstractmethod
from dataclasses import dataclass
from importlib.util import find_spec
from typing import ClassVar

from hw.boards.report import BitstreamReport
from hw.build import BuildPlan, BuildProducts
from hw.errors import HardwareError
from hw.parts import Part, find_part
from hw.shell.kernel import Kernel

__all__ = ["MOST_UNITS", "Board", "BoardSettings", "Tool", "unit_needs"]

MOST_UNITS = 4


@dataclass(frozen=True, kw_only=True)
class BoardSettings:
    """How a bitstream is to be made.

    Attributes:
        clock_mhz: that is asked for; None for the one that the kernel was compiled for.
        lower_clock: take the most that timing allows where that is less; else the build fails.
        attempts: placements, or strategies, that are tried for a clock, at most.
        compute_units: copies of the kernel in one bitstream, which share the images.
    """

    clock_mhz: float | None = None
    lower_clock: bool = True
    attempts: int = 3
    compute_units: int = 1

    def __post_init__(self) -> None:
        if self.clock_mhz is not None and not 4 <= self.clock_mhz <= 1000:
            raise HardwareError(
                f"bitstream: clock_mhz {self.clock_mhz:g} is not 4 to 1000; ask for another clock"
            )
        if not 1 <= self.attempts <= 100:
            raise HardwareError(
                f"bitstream: attempts {self.attempts} is not 1 to 100; give 3 or so"
            )
        if not 1 <= self.compute_units <= MOST_UNITS:
            raise HardwareError(
                f"bitstream: {self.compute_units} compute units are not 1 to {MOST_UNITS}; give 1"
            )

    def clock_of(self, kernel: Kernel) -> float:
        """Return the clock in MHz to build a kernel for."""
        return self.clock_mhz or kernel.manifest.clock_mhz


@dataclass(frozen=True)
class Tool:
    """A tool that a build runs.

    Attributes:
        name: a program, or a Python package in the form `package:NAME`.
        remedy: what to install.
    """

    name: str
    remedy: str

    @property
    def is_here(self) -> bool:
        """Whether it is on this machine."""
        if self.name.startswith("package:"):
            return find_spec(self.name.removeprefix("package:")) is not None
        return shutil.which(self.name) is not None


def unit_needs(kernel: Kernel, part: Part) -> dict[str, tuple[float, int]]:
    """Return resource -> (what one kernel needs by its estimates, what the part holds)."""
    about = kernel.accelerator.manifest
    parts = [layer.estimate for layer in about.layers] + [fifo.estimate for fifo in about.fifos]
    return {
        "LUT": (sum(each.lut for each in parts), part.lut),
        "DSP": (sum(each.dsp for each in parts), part.dsp),
        "BRAM36": (sum(each.bram18 for each in parts) / 2, part.bram36),
    }


@dataclass(frozen=True, kw_only=True)
class Board(ABC):
    """A board; a kind of boards is a subclass, a board an instance in a file of its own.

    Attributes:
        name: as commands know it.
        title: for people.
        part_name: of the part, see hw.parts.
    """

    name: str
    title: str
    part_name: str

    backend: ClassVar[str]  # of the runner
    product: ClassVar[str]  # that the backend loads
    tools: ClassVar[tuple[Tool, ...]]
    most_units: ClassVar[int] = 1

    @property
    @abstractmethod
    def link(self) -> str:
        """How the host reaches the kernel, for people."""

    @property
    @abstractmethod
    def data_bits(self) -> int:
        """Width of the kernel's memory port."""

    @property
    def part(self) -> Part:
        """The FPGA."""
        return find_part(self.part_name)

    @property
    def missing(self) -> tuple[Tool, ...]:
        """Tools that are not on this machine."""
        return tuple(tool for tool in self.tools if not tool.is_here)

    def check_kernel(self, kernel: Kernel) -> None:
        """Check that a kernel was made for this board.

        Raises:
            HardwareError: it was compiled for another part, or has another memory port.
        """
        about = kernel.manifest
        found = find_part(about.part)
        if found.device != self.part.device:
            raise HardwareError(
                f"{self.name}: {about.name} was compiled for {about.part}, and the board has "
                f"{self.part.name}; compile it again with --part {self.part.name}"
            )
        if about.data_bits != self.data_bits:
            raise HardwareError(
                f"{self.name}: the kernel's memory port has {about.data_bits} bits, the board's "
                f"{self.data_bits}; write the kernel for this board"
            )

    def check_units(self, kernel: Kernel, units: int) -> None:
        """Check that the board takes so many copies of a kernel, and that the part holds them.

        The need is what the layers' and FIFOs' estimates add up to; shell and platform come on top.

        Raises:
            HardwareError: it does not.
        """
        if units > self.most_units:
            raise HardwareError(
                f"{self.name}: {units} compute units, and the board takes {self.most_units}; "
                "several are for Alveo cards"
            )
        if units == 1:
            return
        for name, (needed, held) in unit_needs(kernel, self.part).items():
            if units * needed > held:
                raise HardwareError(
                    f"{self.name}: {units} compute units need {units * needed:,.0f} {name}, and "
                    f"{self.part.name} has {held:,}; give {int(held // needed)} at most, or "
                    "compile for fewer frames/s"
                )

    def kernel_name(self, kernel: Kernel) -> str:
        """Return the name by which the backend finds the kernel."""
        return kernel.manifest.top

    @abstractmethod
    def plan(self, kernel: Kernel, settings: BoardSettings) -> BuildPlan:
        """Return the build of `product`; needs no tool.

        Raises:
            HardwareError: the kernel is another board's, or a setting is impossible.
        """

    @abstractmethod
    def report(self, products: BuildProducts) -> BitstreamReport:
        """Read what the tools say of a finished build.

        Raises:
            HardwareError: timing is not met, or a report cannot be read.
        """
