# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Pairs of LUTs of a netlist that one LUT site of a Xilinx slice can hold.

A site is a LUT6_2: one function of six inputs, or two of together at most five (UG474, UG574).
Travels with the plan of a synthesis: it needs the standard library only.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["count_pairs"]

_SITE_INPUTS = 5  # of two functions, together
_MOST_NEIGHBOURS = 64  # of a LUT at a net that are looked at
# Pins that only a site's first output reaches: of two such LUTs, each needs a site.
_FIRST_OUTPUT = {"MUXF7": ("I0", "I1"), "CARRY4": ("S",), "CARRY8": ("S",)}

Cells = Mapping[str, Mapping[str, Any]]
Lut = frozenset[int]  # the nets at its inputs


def count_pairs(cells: Cells) -> int:
    """Return how many pairs of LUTs share a site, each LUT in one pair at most.

    Only LUTs with a common input are paired, as logic synthesis does; a placer may also put
    unrelated ones together where the part is full. The pairs are found greedily, LUTs with more
    inputs first, so that the result can be built and is no more than the maximum.

    Args:
        cells: name -> cell of a module in Yosys' JSON.
    """
    luts = {name: _inputs(cell) for name, cell in cells.items() if _is_small(cell)}
    first = _first_outputs(cells)
    bound = {name for name in luts if cells[name]["connections"]["O"][0] in first}
    free = dict.fromkeys(sorted(luts, key=lambda name: (-len(luts[name]), name)))
    users: dict[int, dict[str, None]] = {}
    for name in free:
        for net in luts[name]:
            users.setdefault(net, {})[name] = None
    pairs = 0
    for name in list(free):
        if name not in free:
            continue
        partner = _partner(name, luts, users, bound)
        taken = (name,) if partner is None else (name, partner)
        pairs += partner is not None
        for lut in taken:
            del free[lut]
            for net in luts[lut]:
                del users[net][lut]
    return pairs


def _is_small(cell: Mapping[str, Any]) -> bool:
    return cell["type"] in {"INV", "LUT1", "LUT2", "LUT3", "LUT4", "LUT5"}


def _inputs(cell: Mapping[str, Any]) -> Lut:
    """Return the nets at the inputs; constants take none."""
    pins = (bits for pin, bits in cell["connections"].items() if pin.startswith("I"))
    return frozenset(bit for bits in pins for bit in bits if isinstance(bit, int))


def _first_outputs(cells: Cells) -> frozenset[int]:
    nets: Counter[int] = Counter()
    for cell in cells.values():
        for pin in _FIRST_OUTPUT.get(cell["type"], ()):
            nets.update(bit for bit in cell["connections"][pin] if isinstance(bit, int))
    return frozenset(nets)


def _partner(
    name: str, luts: Mapping[str, Lut], users: Mapping[int, Iterable[str]], bound: set[str]
) -> str | None:
    """Return the LUT of most inputs that fits beside this one, or None."""
    best = None
    for other in _neighbours(name, luts[name], users):
        fits = len(luts[name] | luts[other]) <= _SITE_INPUTS
        if fits and not (name in bound and other in bound):
            best = max(filter(None, (best, other)), key=lambda found: (len(luts[found]), found))
    return best


def _neighbours(name: str, inputs: Lut, users: Mapping[int, Iterable[str]]) -> Iterable[str]:
    for net in sorted(inputs):
        for _, other in zip(range(_MOST_NEIGHBOURS), users[net], strict=False):
            if other != name:
                yield other
