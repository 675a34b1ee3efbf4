# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Where Yosys puts a memory that is written and read in the same cycle, if nobody asks for a place.

It takes the cheapest of registers, LUTs and block RAMs by its pass memory_libmap: the cells that
hold the words, half of what chooses between cells of different addresses, and a constant.
"""

from dataclasses import dataclass

from hw.errors import HardwareError
from hw.parts import Family, find_part

__all__ = ["WrittenMemory", "lut_memory", "written_memory"]

_PORT = 2.0  # a read port of its own
_CHOICE = 0.5  # of each bit from two cells, and of each cell by the write enable
_BYTE = 9  # bits of a block RAM that are written together


@dataclass(frozen=True, kw_only=True)
class WrittenMemory:
    """What a memory takes; both are 0 where it becomes registers."""

    lut: int
    bram36: float


@dataclass(frozen=True, kw_only=True)
class _Cell:
    """A primitive of Yosys' lutrams_*.txt or brams_xc4v.txt, with a write and a read port.

    Attributes:
        address_bits: where it is one bit wide; with width i of `widths` i fewer.
        cost: of one that is used in full; `scaled` of it by the share of bits that is used.
        lut, bram36: what one takes.
    """

    address_bits: int
    widths: tuple[int, ...]
    cost: int
    scaled: int = 0
    lut: int = 0
    bram36: float = 0.0


def _luts(widths: tuple[int, int], cost: int, scaled: int, lut: int) -> tuple[_Cell, ...]:
    """Return the two shapes of a LUT memory, of 32 and of 64 words."""
    return tuple(
        _Cell(address_bits=5 + i, widths=(width,), cost=cost, scaled=scaled, lut=lut)
        for i, width in enumerate(widths)
    )


_HALF = _Cell(address_bits=14, widths=(1, 2, 4, 9, 18, 36), cost=129, bram36=0.5)
_WHOLE = _Cell(address_bits=15, widths=(1, 2, 4, 9, 18, 36, 72), cost=257, bram36=1.0)
_PAIR = _Cell(address_bits=16, widths=(1, 2, 4, 9), cost=513, bram36=2.0)
_CELLS = {
    Family.SERIES_7: (_luts((6, 3), 8, 7, 4), (_PAIR, _HALF, _WHOLE)),
    Family.ULTRASCALE_PLUS: (_luts((14, 7), 16, 16, 8), (_HALF, _WHOLE)),
}


def written_memory(words: int, width: int, fpgapart: str) -> WrittenMemory:
    """Predict a memory of `words` of `width` bits, with a write port and a read port.

    As on a Series 7 for parts that Yosys has no rule of this kind for, and for unknown ones.
    """
    luts, blocks = _cells(fpgapart)
    cheapest, found = words * width, WrittenMemory(lut=0, bram36=0.0)  # registers
    for kind in (luts, blocks):
        cost, taken = min((_best(cell, words, width) for cell in kind), key=lambda one: one[0])
        if cost < cheapest:
            cheapest, found = int(cost), taken
    return found


def lut_memory(words: int, width: int, fpgapart: str) -> int:
    """Predict the LUTs of a memory with two ports whose place is LUTs, by its attribute."""
    luts, _ = _cells(fpgapart)
    cheapest = min((_best(cell, words, width) for cell in luts), key=lambda one: one[0])
    return cheapest[1].lut


def _cells(fpgapart: str) -> tuple[tuple[_Cell, ...], tuple[_Cell, ...]]:
    try:
        family = find_part(fpgapart).family
    except HardwareError:
        family = Family.SERIES_7
    return _CELLS.get(family, _CELLS[Family.SERIES_7])


def _best(cell: _Cell, words: int, width: int) -> tuple[float, WrittenMemory]:
    """Return the cost in the width that is cheapest, and what it takes."""
    options = (_shaped(cell, place, words, width) for place in range(len(cell.widths)))
    return min(options, key=lambda one: one[0])


def _shaped(cell: _Cell, place: int, words: int, width: int) -> tuple[float, WrittenMemory]:
    wide = cell.widths[place]
    rows = -(-words // 2 ** (cell.address_bits - place))
    together = min(wide, _BYTE) if cell.bram36 else wide
    used = -(-width // together) * together
    count = -(-rows * used // wide)
    cost = (cell.cost - cell.scaled) * count + cell.scaled * rows * width / wide + _PORT
    if rows > 1:
        cost += _CHOICE * ((rows - 1) * width + rows)
    return cost, WrittenMemory(lut=cell.lut * count, bram36=cell.bram36 * count)
