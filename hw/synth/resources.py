# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Resources of a netlist: what its primitives occupy."""

from collections.abc import Mapping
from dataclasses import dataclass

from hw.errors import HardwareError

__all__ = ["KNOWN_CELLS", "Resources", "count_cells"]


@dataclass(frozen=True, kw_only=True)
class Resources:
    """Sites that a netlist takes before placement.

    LUTs are counted one by one, four-input ones on an ECP5; inverters count as LUT1, although most
    merge into the LUT that they feed. On Xilinx' parts two small LUTs can share a site, so `lut` is
    an upper bound, and `lut_packed` an estimate, see hw.synth.packing.
    """

    lut: int  # all LUT sites, `lut_memory` among them
    lut_memory: int  # LUT sites used as RAM or shift registers (SLICEM)
    ff: int  # flip-flops and latches
    dsp: int  # DSP48E1, DSP48E2, DSP58 or 18x18 multipliers
    bram36: float  # 36 kbit block RAMs; an 18 kbit one counts 0.5
    lut_shared: int = 0  # pairs of LUTs with a common input, of five inputs together at most

    @property
    def lut_packed(self) -> int:
        """LUT sites where each pair shares one."""
        return self.lut - self.lut_shared

    def __add__(self, other: "Resources") -> "Resources":
        return Resources(
            lut=self.lut + other.lut,
            lut_memory=self.lut_memory + other.lut_memory,
            ff=self.ff + other.ff,
            dsp=self.dsp + other.dsp,
            bram36=self.bram36 + other.bram36,
            lut_shared=self.lut_shared + other.lut_shared,
        )

    @classmethod
    def none(cls) -> "Resources":
        """Return the neutral element of the sum."""
        return cls(lut=0, lut_memory=0, ff=0, dsp=0, bram36=0.0)


# ECP5's carry stage of two bits is two LUTs.
_LUT = {f"LUT{inputs}": 1 for inputs in range(1, 7)} | {"LUT6_2": 1, "INV": 1, "CCU2C": 2}
# LUT sites of each memory primitive: UG474 tables 2-3 and 2-6, UG574 tables 2-1 and 2-2. On an ECP5
# two more LUTs of the tile are the write port.
_LUT_MEMORY = {
    "SRL16E": 1,
    "SRLC16E": 1,
    "SRLC32E": 1,
    "RAM16X1S": 1,
    "RAM32X1S": 1,
    "RAM64X1S": 1,
    "RAM128X1S": 2,
    "RAM256X1S": 4,
    "RAM512X1S": 8,
    "RAM16X1D": 2,
    "RAM32X1D": 2,
    "RAM64X1D": 2,
    "RAM128X1D": 4,
    "RAM256X1D": 8,
    "RAM32M": 4,
    "RAM64M": 4,
    "RAM32M16": 8,
    "RAM64M8": 8,
    "RAM32X16DR8": 8,
    "RAM64X8SW": 8,
    "TRELLIS_DPR16X4": 6,
}
_FF = dict.fromkeys(
    (
        *("FDRE", "FDSE", "FDCE", "FDPE", "FDRE_1", "FDSE_1", "FDCE_1", "FDPE_1", "LDCE", "LDPE"),
        "TRELLIS_FF",
    ),
    1,
)
_DSP = dict.fromkeys(("DSP48E1", "DSP48E2", "DSP58", "MULT18X18D"), 1)
_BRAM36 = {"RAMB18E1": 0.5, "RAMB18E2": 0.5, "RAMB36E1": 1.0, "RAMB36E2": 1.0, "DP16KD": 0.5}
# Part of the slice round the LUTs and flip-flops, of the clock tree or of the ports.
_FREE = frozenset(
    (
        *("CARRY4", "CARRY8", "MUXF7", "MUXF8", "MUXF9", "PFUMX", "L6MUX21"),
        *("BUFG", "IBUF", "OBUF", "GND", "VCC", "$scopeinfo"),
    )
)
KNOWN_CELLS = frozenset((*_LUT, *_LUT_MEMORY, *_FF, *_DSP, *_BRAM36, *_FREE))


def count_cells(cells: Mapping[str, int], subject: str, lut_shared: int = 0) -> Resources:
    """Return what primitives occupy.

    Args:
        cells: number of instances of each primitive.
        subject: the netlist, for the error.
        lut_shared: pairs of its LUTs that share a site.

    Raises:
        HardwareError: a cell that is none of the primitives known here.
    """
    unknown = sorted(cells.keys() - KNOWN_CELLS)
    if unknown:
        raise HardwareError(
            f"{subject}: the netlist holds {', '.join(unknown)}, which is no primitive with known "
            "resources; report it with the netlist"
        )
    memory = _weigh(cells, _LUT_MEMORY)
    return Resources(
        lut=int(_weigh(cells, _LUT) + memory),
        lut_memory=int(memory),
        ff=int(_weigh(cells, _FF)),
        dsp=int(_weigh(cells, _DSP)),
        bram36=float(_weigh(cells, _BRAM36)),
        lut_shared=lut_shared,
    )


def _weigh(cells: Mapping[str, int], weights: Mapping[str, float]) -> float:
    return sum(count * weights.get(cell, 0) for cell, count in cells.items())
