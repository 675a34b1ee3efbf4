# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Alveo cards: an xclbin by Vitis, loaded by XRT."""

from dataclasses import dataclass
from typing import ClassVar

from hw.boards.board import Board, BoardSettings, Tool
from hw.boards.report import BitstreamReport
from hw.boards.vitis.plan import plan_vitis, read_vitis
from hw.boards.vivado.wrapper import WRAPPER
from hw.build import BuildPlan, BuildProducts
from hw.shell.kernel import Kernel

__all__ = ["AlveoBoard"]


@dataclass(frozen=True, kw_only=True)
class AlveoBoard(Board):
    """A card.

    Attributes:
        platform: that Vitis links for.
    """

    platform: str

    backend: ClassVar[str] = "alveo"
    product: ClassVar[str] = "kernel.xclbin"
    tools: ClassVar[tuple[Tool, ...]] = (
        Tool("vivado", "Vitis 2022.2 to 2025.2 from AMD, on the PATH"),
        Tool("v++", "Vitis 2022.2 to 2025.2 from AMD, on the PATH"),
        Tool("xclbinutil", "XRT, on the PATH"),
    )

    @property
    def link(self) -> str:
        """See Board."""
        return "XRT"

    @property
    def data_bits(self) -> int:
        """See Board."""
        return 512

    def kernel_name(self, kernel: Kernel) -> str:  # noqa: ARG002
        """See Board."""
        return WRAPPER

    def plan(self, kernel: Kernel, settings: BoardSettings) -> BuildPlan:
        """See Board; v++ itself lowers a clock that is not met, which `report` tells."""
        self.check_kernel(kernel)
        return plan_vitis(
            kernel,
            board=self.name,
            part=self.part_name,
            platform=self.platform,
            clock_mhz=settings.clock_of(kernel),
        )

    def report(self, products: BuildProducts) -> BitstreamReport:
        """See Board."""
        return read_vitis(products, self.product)
