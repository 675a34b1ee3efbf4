# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Compile an accelerator to a simulation program: the plan is a value, running it is another thing.

What is compiled is the RTL only. Weights are read and FIFO depths are set when the program starts,
so networks that differ in nothing else share one program.
"""

import hashlib
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from hw.accelerator import Accelerator
from hw.errors import HardwareError
from hw.verilator._compile import (
    COMPILER,
    COMPILER_QUICK,
    PROGRAM,
    VERILATOR,
    Tools,
    compile_program,
    compiler_version,
)
from hw.verilator._sim_top import render_sim_top, render_storage

__all__ = ["REPLACEMENTS", "VERILATE", "BuildPlan", "plan_build", "run_build"]

_HERE = Path(__file__).parent
# For modules that Verilator does not elaborate, and, in fast/, for those that it runs slowly.
REPLACEMENTS = _HERE.parent / "rtl" / "sim"

VERILATE = (
    *("--cc", "--prefix", "Vsim_top", "--top-module", "sim_top", "-Mdir", "objects"),
    *("--no-timing", "-O3", "--x-assign", "fast", "--x-initial", "fast", "-Wno-fatal"),
    *("--output-split", "20000", "--output-split-cfuncs", "20000", "+define+FINN_SIMULATION"),
)
_FST_HEADERS = b"#include <lz4.h>\n#include <zlib.h>\n"


@dataclass(frozen=True)
class BuildPlan:
    """Files by name, in compilation order, and the flags of Verilator.

    `flags` are Verilator's, then the compiler and its flags. `digest` names the program: same
    files, flags and tool versions, same program.
    """

    files: dict[str, bytes]
    flags: tuple[str, ...]

    @property
    def digest(self) -> str:
        """Return the sha256 of all that goes into the program."""
        total = hashlib.sha256()
        for name, content in self.files.items():
            total.update(name.encode() + b"\0" + hashlib.sha256(content).digest())
        words = (*self.flags, version("verilator"), compiler_version())
        total.update("\0".join(words).encode())
        return total.hexdigest()


def plan_build(accelerator: Accelerator, waves: str = "", *, optimize: bool = True) -> BuildPlan:
    """Work out the build of an accelerator; reads its sources, needs no tool.

    Args:
        accelerator: what is to be simulated.
        waves: "fst" or "vcd" for a program that can write waveforms.
        optimize: False for a program that is compiled in a quarter of the time and runs several
            times slower: for a few frames of a small network.
    """
    manifest = accelerator.manifest
    own = {path.name: path for path in REPLACEMENTS.rglob("*.sv")}
    sources = {}
    for name, path in zip(manifest.sources, accelerator.paths(manifest.sources), strict=True):
        sources[name] = own.get(path.name, path).read_bytes()
    sources["rtl/fifo_depths_pkg.sv"] = render_storage(manifest).encode()
    sources["sim_top.sv"] = render_sim_top(manifest).encode()
    sources["harness.cpp"] = (_HERE / "harness.cpp").read_bytes()
    into, out = manifest.input.stream_width_bits // 8, manifest.output.stream_width_bits // 8
    defines = [f"-DIN_BYTES={into}", f"-DOUT_BYTES={out}", f"-DVM_TRACE={bool(waves):d}"]
    defines += [f"-DVM_TRACE_{kind.upper()}={kind == waves:d}" for kind in ("fst", "vcd")]
    trace = (f"--trace-{waves}",) if waves else ()
    compiler = COMPILER if optimize else COMPILER_QUICK
    return BuildPlan(sources, (*VERILATE, *trace, *compiler, *defines))


def run_build(plan: BuildPlan, build_dir: Path) -> Path:
    """Return the program of a plan, built in a new folder of `build_dir` unless it is there.

    A program appears under its digest only when it is complete. The log of the tools stays
    beside it, or in build_dir/failed.log.

    Raises:
        HardwareError: g++ is missing, or headers for FST, or one of the tools failed.
    """
    _check_tools(plan)
    target = build_dir.resolve() / plan.digest[:32]
    if not target.exists():
        build_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".building.", dir=build_dir) as scratch:
            _build(plan, Path(scratch), build_dir.resolve())
            _publish(Path(scratch), target)
    return target / PROGRAM


def _check_tools(plan: BuildPlan) -> None:
    if shutil.which("g++") is None:
        raise HardwareError("g++: not found; install it with: apt-get install g++")
    if "--trace-fst" in plan.flags:
        command = ["g++", "-E", "-x", "c++", "-"]
        found = subprocess.run(command, input=_FST_HEADERS, capture_output=True, check=False)
        if found.returncode:
            raise HardwareError(
                "FST waveforms: lz4.h or zlib.h is missing; name the file .vcd, or install them "
                "with: apt-get install liblz4-dev zlib1g-dev"
            )


def _build(plan: BuildPlan, folder: Path, build_dir: Path) -> None:
    for name, content in plan.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    tools = Tools(folder, build_dir / "failed.log")
    split = plan.flags.index(COMPILER[0])
    verilog = [name for name in plan.files if not name.endswith(".cpp")]
    tools.run([str(VERILATOR / "bin" / "verilator_bin"), *plan.flags[:split], *verilog])
    compile_program(tools, plan.flags[split:], build_dir)


def _publish(folder: Path, target: Path) -> None:
    """Rename a finished build to its place; who comes second drops his."""
    done = folder / "done"
    done.mkdir()
    for name in (PROGRAM, "build.log"):
        (folder / name).rename(done / name)
    try:
        done.rename(target)
    except OSError:
        if not target.exists():
            raise
