# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Boards with a Zynq: a bitstream by Vivado, loaded by PYNQ."""

from dataclasses import dataclass
from typing import ClassVar

from hw.boards.board import Board, BoardSettings, Tool
from hw.boards.report import BitstreamReport
from hw.boards.vivado.plan import plan_vivado, read_vivado
from hw.boards.vivado.settings import ProcessingSystem
from hw.build import BuildPlan, BuildProducts
from hw.shell.kernel import Kernel

__all__ = ["ZynqBoard"]


@dataclass(frozen=True, kw_only=True)
class ZynqBoard(Board):
    """A board with a Zynq-7000 or a Zynq UltraScale+.

    Attributes:
        system: its processing system.
        memory: size of the DDR memory that the kernel sees, as Vivado writes it.
        pynq: versions of PYNQ that run there, for people.
    """

    system: ProcessingSystem
    memory: str
    pynq: str = "3.1 or 4.0"

    backend: ClassVar[str] = "zynq"
    product: ClassVar[str] = "kernel.bit"
    tools: ClassVar[tuple[Tool, ...]] = (
        Tool("vivado", "Vivado 2022.2 to 2025.2 from AMD, on the PATH"),
    )

    @property
    def link(self) -> str:
        """See Board."""
        return f"PYNQ {self.pynq}"

    @property
    def data_bits(self) -> int:
        """See Board."""
        return self.system.data_bits

    def plan(self, kernel: Kernel, settings: BoardSettings) -> BuildPlan:
        """See Board."""
        self.check_kernel(kernel)
        self.check_units(kernel, settings.compute_units)
        return plan_vivado(
            kernel,
            self.system,
            board=self.name,
            part=self.part_name,
            memory=self.memory,
            clock_mhz=settings.clock_of(kernel),
            lower_clock=settings.lower_clock,
            attempts=settings.attempts,
        )

    def report(self, products: BuildProducts) -> BitstreamReport:
        """See Board."""
        return read_vivado(products, self.product)
