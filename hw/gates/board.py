# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The netlist that Yosys makes of a whole kernel, as the program of a virtual board."""

from importlib.metadata import version
from pathlib import Path

from hw.build import PYTHON, BuildPlan, BuildStore
from hw.shell.kernel import Kernel
from hw.synth.kernel import kernel_netlist
from hw.verilator.kernel import build_kernel

__all__ = ["build_kernel_gates", "plan_kernel_gates"]

_HERE = Path(__file__).parent
_GATES, _NETLIST, _BLOCK_RAM = "gates.v", "netlist.json", "block_ram.sv"


def plan_kernel_gates(netlist: bytes, top: str) -> BuildPlan:
    """Return the build of the Verilog of a netlist.

    Args:
        netlist: as Yosys has written it, JSON of primitives.
        top: its module.
    """
    return BuildPlan(
        subject=f"gates of {top}",
        files={_NETLIST: netlist, "gates.py": (_HERE / "_convert.py").read_bytes()},
        command=(PYTHON, "gates.py", top),
        products=(_GATES,),
        tools={"pyosys": version("pyosys")},
        name="gates",
    )


def build_kernel_gates(kernel: Kernel, build_dir: Path, *, timeout_s: float | None = None) -> Path:
    """Return the program of a kernel's gates, see `hw.verilator.kernel`; made unless it is there.

    Args:
        kernel: for a part of the 7 series.
        build_dir: netlist, gates and program, by content.
        timeout_s: limit for the synthesis.

    Raises:
        HardwareError: another family, a cell without a model, or a tool that failed.
    """
    netlist = kernel_netlist(kernel, build_dir, timeout_s=timeout_s).read_bytes()
    plan = plan_kernel_gates(netlist, kernel.manifest.top)
    gates = BuildStore(build_dir).build(plan).path(_GATES)
    cells = {_BLOCK_RAM: _HERE / "cells" / _BLOCK_RAM, _GATES: gates}
    return build_kernel(kernel, build_dir, {name: p.read_bytes() for name, p in cells.items()})
