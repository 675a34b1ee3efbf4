# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Declarations of the Xilinx primitives that FINN's RTL instantiates.

The slang front end takes parameters of a black box only from a SystemVerilog declaration, and
refuses the specify blocks of Yosys' own library: what is left after dropping all but ports and
parameters is what it accepts.
"""

import re
from importlib.util import find_spec
from pathlib import Path

__all__ = ["declare_primitives"]

_NAMES = ("LUT6_2", "DSP48E1", "DSP48E2")
_DECLARATION = re.compile(r"^\s*((?:parameter|input|output|inout)\b[^;]*;)", re.MULTILINE)


def declare_primitives() -> str:
    """Return SystemVerilog that declares the primitives as black boxes."""
    spec = find_spec("pyosys")
    origin = spec.origin if spec else None
    assert origin is not None, "pyosys is not installed"
    library = Path(origin).parent / "share" / "xilinx"
    text = "".join((library / f"{name}.v").read_text() for name in ("cells_sim", "cells_xtra"))
    return "\n".join(_declaration(text, name) for name in _NAMES)


def _declaration(library: str, name: str) -> str:
    found = re.search(rf"^module {name}\b.*?^endmodule", library, re.MULTILINE | re.DOTALL)
    assert found is not None, f"Yosys' Xilinx library has no {name}"
    header, body = found.group(0).split(");", 1)
    lines = "\n  ".join(_DECLARATION.findall(body))
    return f"(* blackbox *)\n{header});\n  {lines}\nendmodule\n"
