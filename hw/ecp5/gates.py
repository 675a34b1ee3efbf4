# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A placed design as a program: its gates behind a pseudo-terminal, for the runner to talk to."""

from importlib.metadata import version
from pathlib import Path

from hw.build import PYTHON, BuildPlan, BuildProducts, BuildStore
from hw.ecp5.plan import PLACED
from hw.verilator.uart import build_uart_program

__all__ = ["build_gates", "plan_gates"]

_HERE = Path(__file__).parent
_GATES = "gates.v"


def plan_gates(placed: bytes) -> BuildPlan:
    """Return the build of the Verilog of a placed design, as nextpnr has written that."""
    return BuildPlan(
        subject="gates of the placed design",
        files={
            PLACED: placed,
            "gates.py": (_HERE / "_gates.py").read_bytes(),
            "ecp5_cells.v": (_HERE / "cells" / "ecp5_cells.v").read_bytes(),
        },
        command=(PYTHON, "gates.py"),
        products=(_GATES,),
        tools={"pyosys": version("pyosys")},
        name="gates",
    )


def build_gates(bitstream: BuildProducts, build_dir: Path) -> Path:
    """Return the program of a bitstream's gates; `hw.verilator.uart` says how it is run.

    Raises:
        HardwareError: a cell that is not known, or a tool that failed.
    """
    plan = plan_gates(bitstream.path(PLACED).read_bytes())
    gates = BuildStore(build_dir).build(plan).path(_GATES)
    return build_uart_program("top", {_GATES: gates.read_bytes()}, build_dir)
