# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Writes gates.v, the placed design as Verilog for a simulator: `python3 gates.py`.

Travels with its plan; needs pyosys and the standard library. nextpnr leaves pins open that a
cell's input multiplexers or the fabric's pull-ups drive: they get the constants that they have on
the device. Then Yosys puts the cells' models in.
"""

import json
import re
from pathlib import Path
from typing import Any

from pyosys import libyosys

# What an open pin reads: the fabric pulls wires up; pins that have a default of their own are low.
_LOW = {"FCI", "LSR", "M"}
# Pins of cells that nextpnr lists and that are no pins of the models: open, or not in use, as those
# of a multiplier's registers and chains.
_NONE = re.compile(r"\w+\.DI[01]|MULT18X18D\.(C|SRIA|SRIB|CLK|CE|RST)\d+")
_MULTIPLEXED = {"DP16KD", "MULT18X18D"}  # before whose pins are multiplexers that models leave out
_MODELS = ("+/lattice/cells_sim_ecp5.v", "ecp5_cells.v")
_BLOCKED = "RAMW_BLOCK"  # a LUT that a LUT RAM's write port stands in place of
_PARTS = range(64)  # of a block RAM's contents, 16 words of 18 bits each, in 20


def main() -> None:
    """Convert placed.json."""
    design = json.loads(Path("placed.json").read_text())
    (module,) = design["modules"].values()
    module["cells"] = {
        name: cell
        for name, cell in module["cells"].items()
        if cell["type"] != "TRELLIS_IO" and cell["parameters"].get("MODE") != _BLOCKED
    } | _pads(module)
    for name, cell in list(module["cells"].items()):
        _complete(name, cell, module)
    Path("complete.json").write_text(json.dumps(design))
    _flatten()


def _pads(module: dict[str, Any]) -> dict[str, Any]:
    """Return wires, as cells, in place of the pads."""
    found = {}
    for name, cell in module["cells"].items():
        if cell["type"] != "TRELLIS_IO":
            continue
        pins = cell["connections"]
        into = cell["parameters"]["DIR"] == "INPUT"
        found[name] = _cell(
            "$pos", A=pins["B"] if into else pins["I"], Y=pins["O" if into else "B"]
        )
    return found


def _cell(kind: str, **pins: list[Any]) -> dict[str, Any]:
    return {
        "hide_name": 1,
        "type": kind,
        "parameters": {"A_SIGNED": "0", "A_WIDTH": "1", "Y_WIDTH": "1"},
        "attributes": {},
        "port_directions": {"A": "input", "Y": "output"},
        "connections": pins,
    }


def _complete(name: str, cell: dict[str, Any], module: dict[str, Any]) -> None:
    """Give every input of a cell a driver, by its multiplexer if it has one."""
    pins, values = cell["connections"], cell["parameters"]
    if cell["type"] == "TRELLIS_FF" and values.pop("SD", "1").strip() == "0":
        pins["DI"] = pins["M"]  # past the LUT
    for pin, way in list(cell["port_directions"].items()):
        choice = _choice(cell, pin) if way == "input" else ""
        if not pins[pin] and (way != "input" or _NONE.fullmatch(f"{cell['type']}.{pin}")):
            del pins[pin], cell["port_directions"][pin]
        if way != "input" or pin not in pins:
            continue
        if choice in ("0", "1"):
            pins[pin] = [choice]
        elif not pins[pin]:
            pins[pin] = ["0" if pin in _LOW or choice == "INV" else "1"]
        elif choice == "INV":
            pins[pin] = [_inverted(f"{name}.{pin}", pins[pin], module)]
    values.pop("WCKMUX", None)
    if pins.get("FXA"):
        values["IS_Z1"] = "1"  # else its place says which multiplexer it has
    if cell["type"] == "DP16KD":
        cell["parameters"] = _with_contents(values)


def _choice(cell: dict[str, Any], pin: str) -> str:
    """Return what the multiplexer before a pin does; those of other cells are in their models."""
    if cell["type"] not in _MULTIPLEXED:
        return ""
    return str(cell["parameters"].pop(f"{pin}MUX", "")).strip()


def _inverted(name: str, source: list[Any], module: dict[str, Any]) -> int:
    used = module.setdefault("steelflow_next", _first_free(module))
    module["steelflow_next"] = used + 1
    module["cells"][f"{name}.inverted"] = _cell("$not", A=source, Y=[used])
    return int(used)


def _first_free(module: dict[str, Any]) -> int:
    bits = [b for net in module["netnames"].values() for b in net["bits"] if isinstance(b, int)]
    return 1 + max(bits)


def _with_contents(values: dict[str, str]) -> dict[str, str]:
    """Return the parameters with INITVAL_* as one word, the first contents in its lowest bits."""
    words = []
    for part in _PARTS:
        bits = values.pop(f"INITVAL_{part:02X}", "").rjust(320, "0")
        words += [bits[len(bits) - 20 * i - 18 : len(bits) - 20 * i] for i in range(16)]
    return values | {"CONTENTS": "".join(reversed(words))}


def _flatten() -> None:
    design = libyosys.Design()
    for words in (
        *(f"read_verilog -overwrite {name}" for name in _MODELS),
        "read_json complete.json",
        "hierarchy -check -top top",
        "proc",
        "flatten",
        "opt_expr",
        "opt_clean",
        "write_verilog -noattr gates.v",
    ):
        libyosys.run_pass(words, design)


if __name__ == "__main__":
    main()
