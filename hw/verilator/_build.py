# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""An accelerator as a simulation program: the plan is a value, running it is another thing.

What is compiled is the RTL only. Weights are read and FIFO depths are set when the program starts,
so networks that differ in nothing else share one program.
"""

import subprocess
from collections.abc import Mapping
from pathlib import Path

from hw.accelerator import Accelerator
from hw.build import BuildPlan, BuildStore, require_compiler
from hw.errors import HardwareError
from hw.verilator.sim_top import render_sim_top, render_storage
from hw.verilator.toolchain import OBJECTS, Model, plan_model_build

__all__ = ["PROGRAM", "REPLACEMENTS", "plan_build", "plan_program", "run_build"]

PROGRAM = "simulate"

_HERE = Path(__file__).parent
# For modules that Verilator does not elaborate, and, in fast/, for those that it runs slowly.
REPLACEMENTS = _HERE.parent / "rtl" / "sim"

_VERILATE = (
    *("--cc", "--prefix", "Vsim_top", "--top-module", "sim_top", "-Mdir", OBJECTS),
    *("--no-timing", "-O3", "--x-assign", "fast", "--x-initial", "fast", "-Wno-fatal"),
    *("--output-split", "20000", "--output-split-cfuncs", "20000", "+define+FINN_SIMULATION"),
)
# Of the optimisation levels, -O1 compiles in two thirds of the time of -O2 and runs 5% slower.
_COMPILE = (
    *("g++", "-std=c++17", "-w", "-DVERILATOR=1", "-DVM_COVERAGE=0", "-DVM_SC=0"),
    *("-DVM_TIMING=0", "-DVM_TRACE_SAIF=0", "-I.", f"-I{OBJECTS}"),
)
_LEAST_BYTES, _MOST_BYTES = 300_000, 1_500_000  # of C++ to compile at once
_FST_HEADERS = b"#include <lz4.h>\n#include <zlib.h>\n"


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
    defines = (f"-DIN_BYTES={into}", f"-DOUT_BYTES={out}")
    subject = "simulation program"
    return plan_program(subject, sources, defines=defines, waves=waves, optimize=optimize)


def plan_program(
    subject: str,
    files: Mapping[str, bytes],
    *,
    verilate: tuple[str, ...] = (),
    defines: tuple[str, ...] = (),
    waves: str = "",
    optimize: bool = True,
) -> BuildPlan:
    """Return the build of sim_top and harness.cpp as PROGRAM.

    Args:
        subject: for errors.
        files: RTL in compilation order, and harness.cpp.
        verilate: flags of Verilator besides those that all programs have.
        defines: flags of the compiler for the program alone, not for Verilator's runtime.
        waves: "fst" or "vcd" for a program that can write waveforms.
        optimize: see plan_build.
    """
    level = "-O1" if optimize else "-O0"
    traces = [f"-DVM_TRACE_{kind.upper()}={kind == waves:d}" for kind in ("fst", "vcd")]
    return plan_model_build(
        Model(
            subject=subject,
            product=PROGRAM,
            files=files,
            verilate=(*_VERILATE, *verilate),
            compile=(*_COMPILE, level, f"-DVM_TRACE={bool(waves):d}", *traces),
            defines=defines,
            first_source="harness.cpp",
            waves=waves,
            least_bytes=_LEAST_BYTES if optimize else _MOST_BYTES,  # else it reads headers
            most_bytes=_MOST_BYTES,
        )
    )


def run_build(plan: BuildPlan, build_dir: Path) -> Path:
    """Return the program of a plan, built in a new folder of `build_dir` unless it is there.

    Raises:
        HardwareError: g++ is missing, or headers for FST, or one of the tools failed; see
            BuildStore.
    """
    store = BuildStore(build_dir)
    if store.find(plan) is None:
        require_compiler()
        _require_headers(plan)
    return store.build(plan).path(PROGRAM)


def _require_headers(plan: BuildPlan) -> None:
    if b"--trace-fst" not in plan.files["compile.json"]:
        return
    command = ["g++", "-E", "-x", "c++", "-"]
    found = subprocess.run(command, input=_FST_HEADERS, capture_output=True, check=False)
    if found.returncode:
        raise HardwareError(
            "FST waveforms: lz4.h or zlib.h is missing; name the file .vcd, or install them "
            "with: apt-get install liblz4-dev zlib1g-dev"
        )
