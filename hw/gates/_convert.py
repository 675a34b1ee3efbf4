# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Writes gates.v, a netlist of 7-series primitives as Verilog for a simulator: `gates.py TOP`.

Travels with its plan; needs pyosys and the standard library only. Yosys' own models of the cells
are put in their places. Its library has none of a block RAM: those stay cells, with their contents
as one word, for block_ram.sv. A cell without a model, or with a setting that its model leaves out,
is refused.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any, NoReturn

from pyosys import libyosys

_DATA_ROWS = {"RAMB18E1": 64, "RAMB36E1": 128}  # INIT_*, of 256 bits
_MODEL = "block_ram"
_KEPT = (
    *("READ_WIDTH_A", "READ_WIDTH_B", "WRITE_WIDTH_A", "WRITE_WIDTH_B"),
    *("WRITE_MODE_A", "WRITE_MODE_B", "RAM_MODE", "INIT_A", "INIT_B", "SRVAL_A", "SRVAL_B"),
)
# What Yosys' model of a DSP slice leaves out is silent there: a setting other than these.
_DSP_SETTINGS = {
    "AUTORESET_PATDET": "NO_RESET",
    "SEL_MASK": "MASK",
    "SEL_PATTERN": "PATTERN",
    "USE_PATTERN_DETECT": "NO_PATDET",
}
_UNMODELLED = re.compile("REGCE|RSTREG|CASCADE|INJECT|DBITERR|SBITERR|ECCPARITY|RDADDRECC")


def main(top: str) -> None:
    """Convert netlist.json."""
    module = json.loads(Path("netlist.json").read_text())["modules"][top]
    yosys = libyosys.Design()
    libyosys.run_pass("read_verilog +/xilinx/cells_sim.v", yosys)
    models = {name.str().lstrip("\\") for name in yosys.modules_}
    for name, cell in module["cells"].items():
        if cell["type"] in _DATA_ROWS:
            module["cells"][name] = _block_ram(name, cell)
        elif cell["type"] not in models and not cell["type"].startswith("$"):
            _refuse(name, f"a {cell['type']}")
        elif cell["type"] == "DSP48E1":
            _check_dsp(name, cell["parameters"])
        elif "INIT" in cell["parameters"]:  # what is not defined can be anything
            cell["parameters"]["INIT"] = _defined(cell["parameters"]["INIT"])
    design = {"modules": {top: module}}  # without the cells' declarations, which are no models
    Path("complete.json").write_text(json.dumps(design))
    for words in (
        "read_json complete.json",
        f"hierarchy -top {top}",
        "proc",
        "flatten",
        "opt_expr",
        "opt_clean",
        "write_verilog -noattr gates.v",
    ):
        libyosys.run_pass(words, yosys)


def _refuse(name: str, what: str) -> NoReturn:
    print(f"error: {name}: {what} is not modelled; report it")
    sys.exit(1)


def _check_dsp(name: str, parameters: dict[str, str]) -> None:
    """Refuse a slice with a setting that the model does not know."""
    values = {key: value.strip() for key, value in parameters.items()}
    used = [key for key, known in _DSP_SETTINGS.items() if values.get(key, known) != known]
    used += [key for key in values if key.startswith("IS_") and "1" in values[key]]
    if used:
        _refuse(name, f"{', '.join(used)} of a DSP48E1")


def _block_ram(name: str, cell: dict[str, Any]) -> dict[str, Any]:
    """Return a block RAM as a cell of the model; what that leaves out must not be in use."""
    values = {key: value.strip() for key, value in cell["parameters"].items()}
    used = [key for key in ("DOA_REG", "DOB_REG") if int(values.get(key, "0"), 2)]
    used += [key for key in values if key.startswith("IS_") and "1" in values[key]]
    used += [key for key in values if key.startswith("RAM_EXT") and values[key] != "NONE"]
    if used:
        _refuse(name, f"{', '.join(used)} of a block RAM")
    pins = {pin: b for pin, b in cell["connections"].items() if not _UNMODELLED.match(pin)}
    kept = {key: cell["parameters"][key] for key in _KEPT if key in values}
    kept["BIG"] = f"{cell['type'] == 'RAMB36E1':b}"
    kept["CONTENTS"] = _contents(values, _DATA_ROWS[cell["type"]])
    ways = {pin: cell["port_directions"][pin] for pin in pins}
    return cell | {
        "type": _MODEL,
        "parameters": kept,
        "connections": pins,
        "port_directions": ways,
    }


def _contents(values: dict[str, str], rows: int) -> str:
    """Return parity and data of all bytes, nine bits each, the first byte in the lowest bits."""
    data = _joined(values, "INIT_", rows)
    parity = _joined(values, "INITP_", rows // 8)
    bytes_ = (f"{parity[i]}{data[8 * i : 8 * i + 8][::-1]}" for i in range(32 * rows))
    return "".join(reversed(list(bytes_)))


def _joined(values: dict[str, str], prefix: str, rows: int) -> str:
    """Return the bits of the rows of 256, the lowest first; undefined ones as zeros."""
    found = (values.get(f"{prefix}{row:02X}", "").rjust(256, "0") for row in range(rows))
    return "".join(_defined(bits[-256:])[::-1] for bits in found)


def _defined(bits: str) -> str:
    return re.sub("[xz]", "0", bits)


if __name__ == "__main__":
    main(sys.argv[1])
