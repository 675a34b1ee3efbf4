# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Delays of 7-series cells and nets, in picoseconds, of speed grade -1.

Cells: the table in Yosys' library of Xilinx cells, which is Project X-Ray's for an Artix-7. LUTs
and flip-flops are as in Vivado's timing reports for -1 (124 ps for a LUT, 303 behind the sum of a
carry chain, 456 from clock to Q), since a net's delay here includes the way to the pin, as it does
there.

Nets: 0.60 ns + 0.205 ns * log2(fan-out), by least squares to 24 routed nets of fan-out 1 to 102 in
public reports of designs for parts of the 7 series, of speed grade -1 as far as they say so. The
root mean square of the residuals is 0.37 ns: where cells will lie is not known here. Inside of a
slice nothing is added.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from math import log2

from hw.synth._primitives import library_modules

__all__ = ["LUT_BEHIND_SUM", "CellDelays", "Pin", "cell_delays", "net_delay"]

CLOCK_TO_Q, LUT, LUT_BEHIND_SUM = 456, 124, 303
_NET, _NET_OCTAVE = 601, 205

Pin = tuple[str, int]  # name, bit

_PIN = r"(\w+)(?:\[(\d+)\])?"
_ARC = re.compile(rf"\({_PIN}\s*[=*]>\s*{_PIN}\)\s*=\s*(\d+);")
_SETUP = re.compile(rf"\$setup\({_PIN}\s*,[^;]*?,\s*(?:/\*.*?\*/\s*)?(\d+)\s*\);")
_LAUNCH = re.compile(rf"edge \w+\s*=>\s*\({_PIN}\s*:[^)]*\)\)\s*=\s*(\d+)")
_EVERY = -1  # bit of a pin that stands for all


@dataclass(frozen=True)
class CellDelays:
    """What a type of cells takes.

    Attributes:
        arcs: (input, output) -> through the cell.
        setup: input -> before the clock.
        launch: output -> after the clock.
    """

    arcs: Mapping[tuple[Pin, Pin], int] = field(default_factory=dict)
    setup: Mapping[Pin, int] = field(default_factory=dict)
    launch: Mapping[Pin, int] = field(default_factory=dict)

    def through(self, source: Pin, target: Pin) -> int | None:
        """Return the delay from an input's bit to an output's, None where there is no way."""
        ways = ((a, b) for a in _either(source) for b in _either(target))
        return next((self.arcs[way] for way in ways if way in self.arcs), None)

    def before(self, pin: Pin) -> int | None:
        """Return the setup time of an input's bit, None for one that no clock samples."""
        return next((self.setup[found] for found in _either(pin) if found in self.setup), None)

    def after(self, pin: Pin) -> int | None:
        """Return the time from the clock to an output's bit, None for one that it does not set."""
        return next((self.launch[found] for found in _either(pin) if found in self.launch), None)


def _either(pin: Pin) -> tuple[Pin, Pin]:
    return pin, (pin[0], _EVERY)


def net_delay(fan_out: int) -> int:
    """Return the delay of a net that leaves its slice."""
    return round(_NET + _NET_OCTAVE * log2(max(fan_out, 1)))


def cell_delays(kind: str, parameters: Mapping[str, str]) -> CellDelays:
    """Return the delays of a cell; none for a type that the library has none of."""
    if kind.startswith("DSP48"):
        return _dsp_delays(parameters)
    return _from_library(kind)


@cache
def _from_library(kind: str) -> CellDelays:
    text = library_modules().get(kind, "")
    if kind == "INV":
        return CellDelays(arcs={(("I", _EVERY), ("O", _EVERY)): 0})  # part of the LUT behind it
    arcs = {
        (_pin(a, i), _pin(b, j)): LUT if kind.startswith("LUT") else int(delay)
        for a, i, b, j, delay in _ARC.findall(text)
    }
    launch: dict[Pin, int] = {}
    for name, bit, delay in _LAUNCH.findall(text):
        found = CLOCK_TO_Q if kind.startswith("FD") else int(delay)
        launch[_pin(name, bit)] = max(found, launch.get(_pin(name, bit), 0))
    setup = {_pin(name, bit): int(delay) for name, bit, delay in _SETUP.findall(text)}
    if kind == "LUT6_2":
        inputs = [(f"I{i}", _EVERY) for i in range(6)]
        arcs = {(pin, (out, _EVERY)): LUT for pin in inputs for out in ("O5", "O6")}
    return CellDelays(arcs, setup, launch)


def _pin(name: str, bit: str) -> Pin:
    return name, int(bit) if bit else _EVERY


def _dsp_delays(parameters: Mapping[str, str]) -> CellDelays:
    """Return the delays of a slice by its registers; the numbers are the library's DSP48E1."""
    has = {name: int(parameters.get(f"{name}REG", "1"), 2) > 0 for name in "ABCMP"}
    after = 329 if has["P"] else 1671 if has["M"] else 2952
    setup = {
        "A": 254 if has["A"] else 1416 if has["M"] else 2739,
        "B": 324 if has["B"] else 1285 if has["M"] else 2608,
        "C": 168 if has["C"] else 1244,
    }
    launch = {(pin, _EVERY): after for pin in ("P", "PCOUT", "CARRYOUT")}
    return CellDelays(setup={(pin, _EVERY): t for pin, t in setup.items()}, launch=launch)
