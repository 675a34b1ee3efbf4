# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Proofs of assertions in SystemVerilog: Yosys writes an AIG, its ABC explores it.

These are the passes and the engine of SymbiYosys' `abc` in its mode `bmc`, a search from reset.
"""

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pyosys

__all__ = ["explore", "prepare"]

_ABC = Path(pyosys.__file__).parent / "yosys-abc"
_PASSES = (
    "prep -top {top} -flatten",
    "memory_map",
    "async2sync",
    "chformal -lower",
    "formalff -clk2ff -ff2anyinit",
    "dffunmap",
    "opt -full",
    "techmap",
    "aigmap",
    "opt_clean",
    "write_aiger -I -B -zinit -no-startoffset {aiger}",
)


def prepare(top: str, sources: Sequence[Path], folder: Path) -> Path:
    """Return the AIG of a module with assertions, written in a process of its own."""
    aiger = folder / f"{top}.aig"
    names = " ".join(str(path) for path in sources)
    passes = [f"read_slang --top {top} {names}"]
    passes += [line.format(top=top, aiger=aiger) for line in _PASSES]
    script = "".join(f"run_pass({line!r}, design)\n" for line in passes)
    code = f"from pyosys.libyosys import Design, run_pass\ndesign = Design()\n{script}"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=folder, check=False
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-2000:]
    return aiger


def explore(aiger: Path, steps: int) -> bool:
    """Return whether no assertion fails within so many steps from reset."""
    said = _abc(aiger, f"bmc3 -F {steps}")
    if "was asserted in frame" in said:
        return False
    reached = re.search(r"No output asserted in (\d+) frames", said)
    assert reached is not None, said[-2000:]
    return int(reached[1]) == steps


def _abc(aiger: Path, command: str) -> str:
    script = f"read_aiger {aiger.name}; fold; strash; {command}"
    done = subprocess.run(
        [str(_ABC), "-c", script], capture_output=True, text=True, cwd=aiger.parent, check=False
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-2000:]
    return done.stdout
