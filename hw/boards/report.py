# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What a build of a bitstream has found."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from hw.build import BuildProducts
from hw.errors import HardwareError

__all__ = ["BitstreamReport", "check_clock", "check_log", "check_routes", "utilisation"]

_CLOCK_TOLERANCE = 0.01  # of what was asked: a PLL's steps, and XRT's whole MHz

_ROWS = {
    "LUT": r"(?:Slice|CLB) LUTs",
    "FF": r"(?:Slice|CLB) Registers",
    "BRAM36": r"Block RAM Tile",
    "DSP": r"DSPs",
}
# Vivado's critical warnings with which a design is not what was asked for: two drivers of a net,
# contents of a memory that were not found, a command without effect. Not Timing 38-282: a later
# strategy may meet the clock, and the last one's slack is read.
_BREAKING = ("Synth 8-3352", "Synth 8-6859", "Synth 8-4445", "Common 17-55")
_WARNING = re.compile(rf"^CRITICAL WARNING: \[(?:{'|'.join(_BREAKING)})\].*$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class BitstreamReport:
    """Timing and utilisation, as the place and route tool reports them.

    Attributes:
        asked_mhz: the clock that was asked for.
        clock_mhz: the clock that the design has.
        slack_ns: worst slack at that clock; not negative.
        used: resource -> (used, available).
        bitstream: file among the products.
        tool: name and version of the tool, where it says so.
    """

    asked_mhz: float
    clock_mhz: float
    slack_ns: float
    used: Mapping[str, tuple[int, int]]
    bitstream: str
    tool: str = ""

    def lines(self, beside: Mapping[str, Mapping[str, float]] | None = None) -> list[str]:
        """Return the report as lines of text.

        Args:
            beside: title -> resource -> what another count says, shown beside what is used.
        """
        asked = f", {self.asked_mhz:g} MHz asked" if self.asked_mhz != self.clock_mhz else ""
        rows = [
            f"{name:12}{used:>10,} of {available:>9,} {100 * used / available:6.1f}%"
            + "".join(f"  {k} {v[name]:,.0f}" for k, v in (beside or {}).items() if name in v)
            for name, (used, available) in self.used.items()
        ]
        clock = f"clock       {self.clock_mhz:g} MHz met by {self.slack_ns:.3f} ns{asked}"
        return [clock, *rows, *([f"tool        {self.tool}"] if self.tool else [])]


def utilisation(text: str, file: str) -> dict[str, tuple[int, int]]:
    """Return resource -> (used, available), as Vivado's report_utilization has them.

    A row is its name (with a star where there is a note), what is used, ..., available, per cent.

    Raises:
        ValueError: a row is missing.
    """
    return {name: _row(text, pattern, file) for name, pattern in _ROWS.items()}


def _row(text: str, pattern: str, file: str) -> tuple[int, int]:
    found = re.search(rf"^\|\s*{pattern}\*?\s*\|(.*)\|\s*$", text, re.MULTILINE)
    if found is None:
        raise ValueError(f"{file} has no row {pattern}")
    cells = [cell.strip() for cell in found[1].split("|")]
    return int(float(cells[0])), int(float(cells[-2]))


def check_clock(found: BitstreamReport, products: BuildProducts, *, lower_clock: bool) -> None:
    """Refuse another clock than the one that was asked for, unless a lower one was allowed.

    Raises:
        HardwareError: with both.
    """
    away = found.clock_mhz / found.asked_mhz - 1
    if away > _CLOCK_TOLERANCE or (away < -_CLOCK_TOLERANCE and not lower_clock):
        raise HardwareError(
            f"{products.folder}: the clock is {found.clock_mhz:g} MHz, and {found.asked_mhz:g} MHz "
            "were asked for; ask for another, or allow a lower one"
        )


def check_log(products: BuildProducts) -> None:
    """Refuse a build whose log has a critical warning of the kind that breaks designs.

    Raises:
        HardwareError: with the line.
    """
    text = products.log.read_text(errors="replace") if products.log.is_file() else ""
    found = _WARNING.search(text)
    if found is not None:
        raise HardwareError(f"{products.folder}: {found[0][:300]}; see {products.log}")


def check_routes(products: BuildProducts, *, or_empty: bool = False) -> None:
    """Refuse a design with nets that are not routed; read report_route_status in route.rpt.

    Args:
        products: of the build.
        or_empty: whether the file may be empty, the tool having left no report.

    Raises:
        HardwareError: with their number.
        ValueError: the report counts no such nets.
    """
    text = products.path("route.rpt").read_text()
    found = re.findall(r"# of (?:nets with routing errors|unrouted nets)[. ]*:\s*(\d+)", text)
    if not found and (text.strip() or not or_empty):
        raise ValueError("route.rpt counts no routing errors")
    if wrong := sum(map(int, found)):
        raise HardwareError(
            f"{products.folder}: {wrong} nets with routing errors; take a lower clock or a part "
            "with more room"
        )
