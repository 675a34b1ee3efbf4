# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""FPGA parts that an accelerator can be built for, and what they hold."""

from dataclasses import dataclass
from enum import StrEnum

from hw.errors import HardwareError
from steelflow_names import hint

__all__ = ["PARTS", "Family", "Part", "find_part"]


class Family(StrEnum):
    """Device families, by the name that Yosys' `synth_xilinx -family` knows."""

    SERIES_7 = "xc7"
    ULTRASCALE_PLUS = "xcup"


@dataclass(frozen=True, kw_only=True)
class Part:
    """What one device holds, from AMD's product tables (DS190, DS891, XMP478, DS962, DS963)."""

    name: str  # device, package and speed grade where FINN and Vivado need them
    board: str
    family: Family
    lut: int  # six-input LUTs
    ff: int
    dsp: int  # DSP48E1 or DSP48E2 slices
    bram36: int  # 36 kbit block RAMs


_7 = Family.SERIES_7
_P = Family.ULTRASCALE_PLUS
_ROWS = (
    ("xc7z010clg400-1", "Zybo Z7-10", _7, 17_600, 35_200, 80, 60),
    ("xc7z020clg400-1", "PYNQ-Z1, PYNQ-Z2", _7, 53_200, 106_400, 220, 140),
    ("xc7z045ffg900-2", "ZC706", _7, 218_600, 437_200, 900, 545),
    ("xczu3eg-sbva484-1-e", "Ultra96, Ultra96-V2", _P, 70_560, 141_120, 360, 216),
    ("xck26-sfvc784-2LV-c", "KV260, KR260", _P, 117_120, 234_240, 1_248, 144),
    ("xczu7ev-ffvc1156-2-e", "ZCU104", _P, 230_400, 460_800, 1_728, 312),
    ("xczu9eg-ffvb1156-2-e", "ZCU102", _P, 274_080, 548_160, 2_520, 912),
    ("xczu28dr-ffvg1517-2-e", "ZCU111, RFSoC2x2", _P, 425_280, 850_560, 4_272, 1_080),
    ("xcu50-fsvh2104-2L-e", "Alveo U50", _P, 871_680, 1_743_360, 5_952, 1_344),
    ("xcu200-fsgd2104-2-e", "Alveo U200", _P, 1_182_240, 2_364_480, 6_840, 2_160),
    ("xcu250-figd2104-2L-e", "Alveo U250", _P, 1_728_000, 3_456_000, 12_288, 2_688),
    ("xcu280-fsvh2892-2L-e", "Alveo U280", _P, 1_303_680, 2_607_360, 9_024, 2_016),
)
PARTS: tuple[Part, ...] = tuple(
    Part(name=name, board=board, family=family, lut=lut, ff=ff, dsp=dsp, bram36=bram36)
    for name, board, family, lut, ff, dsp, bram36 in _ROWS
)


def find_part(name: str) -> Part:
    """Return a part by its full name or by the device alone ("xck26"), in any case.

    Raises:
        HardwareError: no such part; names those that are near, and all.
    """
    wanted = name.strip().lower()
    for part in PARTS:
        if wanted in (part.name.lower(), _device(part.name)):
            return part
    raise HardwareError(f"part {name!r}: is unknown{hint(name, (part.name for part in PARTS))}")


def _device(name: str) -> str:
    """Return the device without package and grade: xczu3eg-sbva484-1-e is an xczu3eg."""
    head = name.lower().split("-", 1)[0]
    return head.split("clg", 1)[0].split("ffg", 1)[0]
