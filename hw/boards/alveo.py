# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Alveo cards: an xclbin by Vitis, loaded by XRT."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from hw.boards.board import MOST_UNITS, Board, BoardSettings, Tool, unit_needs
from hw.boards.report import BitstreamReport
from hw.boards.vitis.connectivity import Placement
from hw.boards.vitis.plan import plan_vitis, read_vitis
from hw.boards.vivado.wrapper import WRAPPER
from hw.build import BuildPlan, BuildProducts
from hw.errors import HardwareError
from hw.shell.kernel import Kernel

__all__ = ["AlveoBoard"]

_DIE_SHARE = 0.7  # of a die, for a unit that is to stay on it: the platform and routing need room


@dataclass(frozen=True, kw_only=True)
class AlveoBoard(Board):
    """A card.

    Attributes:
        platform: that Vitis links for.
        banks: memory of the first, second... compute unit, as v++ names it; v++ chooses for those
            beyond.
        slrs: dies that hold the memories of `banks`, where a unit is best beside its memory; empty
            where v++ is to place them.
    """

    platform: str
    banks: Sequence[str] = ()
    slrs: Sequence[str] = ()

    backend: ClassVar[str] = "alveo"
    product: ClassVar[str] = "kernel.xclbin"
    tools: ClassVar[tuple[Tool, ...]] = (
        Tool("vivado", "Vitis 2022.2 to 2025.2 from AMD, on the PATH"),
        Tool("v++", "Vitis 2022.2 to 2025.2 from AMD, on the PATH"),
        Tool("xclbinutil", "XRT, on the PATH"),
    )
    most_units: ClassVar[int] = MOST_UNITS

    def __post_init__(self) -> None:
        _check_names(self.name, "banks", self.banks, r"(DDR|HBM|PLRAM)\[\d+(:\d+)?\]", "DDR[0]")
        _check_names(self.name, "slrs", self.slrs, r"SLR\d+", "SLR0")

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
        self.check_units(kernel, settings.compute_units)
        return plan_vitis(
            kernel,
            board=self.name,
            part=self.part_name,
            platform=self.platform,
            clock_mhz=settings.clock_of(kernel),
            lower_clock=settings.lower_clock,
            units=self._places(kernel, settings.compute_units),
        )

    def report(self, products: BuildProducts) -> BitstreamReport:
        """See Board."""
        return read_vitis(products, self.product)

    def _places(self, kernel: Kernel, units: int) -> list[Placement]:
        """Return where the units go; a die is named only if a unit fits into it, see UG1393."""
        share = _DIE_SHARE / (len(self.slrs) or 1)
        needs = unit_needs(kernel, self.part).values()
        slrs = self.slrs if all(needed <= share * held for needed, held in needs) else ()
        places = zip(_padded(self.banks, units), _padded(slrs, units), strict=True)
        return [Placement(bank=bank, slr=slr) for bank, slr in places]


def _padded(names: Sequence[str], count: int) -> list[str]:
    return [*names[:count], *[""] * (count - len(names))]


def _check_names(board: str, field: str, names: Sequence[str], form: str, example: str) -> None:
    """Refuse what v++ would not know; a word in place of a list, too."""
    wrong = [name for name in names if not re.fullmatch(form, str(name))]
    if isinstance(names, str) or wrong:
        found = names if isinstance(names, str) else wrong[0]
        raise HardwareError(f"board {board}: {field}: {found!r}; give a list, as [{example}]")
