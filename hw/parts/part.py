# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What one device holds."""

import re
from enum import StrEnum

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

__all__ = ["Family", "Part"]

_SERIES_7 = re.compile(r"(xc7(?:a|k|s|vx|vh|v|z)\d+[ts]?)")
_ECP5 = re.compile(r"(lfe5um?5?g?-\d+f)")


class Family(StrEnum):
    """Device families; the first two by the name that Yosys' `synth_xilinx -family` knows."""

    SERIES_7 = "xc7"
    ULTRASCALE_PLUS = "xcup"
    VERSAL = "versal"  # which Yosys does not synthesise
    ECP5 = "ecp5"  # which FINN does not know: our units compute all matrix layers


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class Part:
    """A device, in its package and speed grade, and the board that it is known by.

    Attributes:
        name: as the tools need it, "xc7z020clg400-1" or "LFE5U-85F-6BG381C".
        board: one or several, separated by commas; empty where none is usual.
        family: which primitives it is made of.
        lut: six-input LUTs; those of ECP5 have four inputs.
        ff: flip-flops.
        dsp: DSP48E1, DSP48E2 or DSP58 slices, or 18x18 multipliers.
        bram36: 36 kbit block RAMs, or pairs of 18 kbit ones.
    """

    name: str
    board: str = ""
    family: Family
    lut: int = Field(gt=0)
    ff: int = Field(gt=0)
    dsp: int = Field(gt=0)
    bram36: int = Field(gt=0)

    @property
    def device(self) -> str:
        """The name without package and grade: xczu3eg-sbva484-1-e is an xczu3eg."""
        name = self.name.lower()
        found = _SERIES_7.match(name) or _ECP5.match(name)
        return found.group(1) if found else name.split("-", 1)[0]

    @property
    def boards(self) -> tuple[str, ...]:
        """Names of the boards."""
        return tuple(name.strip() for name in self.board.split(",") if name.strip())
