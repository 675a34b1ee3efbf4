# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Declarations of the Xilinx primitives that FINN's RTL instantiates.

The slang front end takes parameters of a black box only from a SystemVerilog declaration, and
refuses the specify blocks of Yosys' own library: what is left after dropping all but ports and
parameters is what it accepts.
"""

import re
from collections.abc import Collection
from functools import cache
from importlib.util import find_spec
from pathlib import Path

__all__ = ["declare_primitives", "extra_cells", "library_modules"]

_NAMES = ("LUT6_2", "DSP48E1", "DSP48E2")
_MODULE = re.compile(r"^(?:\(\*[^\n]*\*\)\n)?module (\w+).*?^endmodule$", re.MULTILINE | re.DOTALL)
_DECLARATION = re.compile(r"^\s*((?:parameter|input|output|inout)\b[^;]*;)", re.MULTILINE)


@cache
def declare_primitives() -> str:
    """Return SystemVerilog that declares the primitives as black boxes."""
    text = "".join(_library(name) for name in ("cells_sim", "cells_xtra"))
    return "\n".join(_declaration(text, name) for name in _NAMES)


@cache
def extra_cells(names: Collection[str]) -> str:
    """Return those of the cells that Yosys has in its large library, cells_xtra.v."""
    return "\n".join(m[0] for m in _MODULE.finditer(_library("cells_xtra")) if m[1] in names)


@cache
def library_modules() -> dict[str, str]:
    """Return the modules of Yosys' simulation models of Xilinx' cells, name -> text."""
    return {m[1]: m[0] for m in _MODULE.finditer(_library("cells_sim"))}


def _library(name: str) -> str:
    spec = find_spec("pyosys")
    origin = spec.origin if spec else None
    assert origin is not None, "pyosys is not installed"
    return (Path(origin).parent / "share" / "xilinx" / f"{name}.v").read_text()


def _declaration(library: str, name: str) -> str:
    found = re.search(rf"^module {name}\b.*?^endmodule", library, re.MULTILINE | re.DOTALL)
    assert found is not None, f"Yosys' Xilinx library has no {name}"
    header, body = found.group(0).split(");", 1)
    lines = "\n  ".join(_DECLARATION.findall(body))
    return f"(* blackbox *)\n{header});\n  {lines}\nendmodule\n"
