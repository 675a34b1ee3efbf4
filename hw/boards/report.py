# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What a build of a bitstream has found."""

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["BitstreamReport"]


@dataclass(frozen=True, kw_only=True)
class BitstreamReport:
    """Timing and utilisation, as the place and route tool reports them.

    Attributes:
        asked_mhz: the clock that was asked for.
        clock_mhz: the clock that the design has.
        slack_ns: worst slack at that clock; not negative.
        used: resource -> (used, available).
        bitstream: file among the products.
    """

    asked_mhz: float
    clock_mhz: float
    slack_ns: float
    used: Mapping[str, tuple[int, int]]
    bitstream: str

    def lines(self) -> list[str]:
        """Return the report as lines of text."""
        asked = f", {self.asked_mhz:g} MHz asked" if self.asked_mhz != self.clock_mhz else ""
        rows = [
            f"{name:12}{used:>10,} of {available:>9,} {100 * used / available:6.1f}%"
            for name, (used, available) in self.used.items()
        ]
        return [f"clock       {self.clock_mhz:g} MHz met by {self.slack_ns:.3f} ns{asked}", *rows]
