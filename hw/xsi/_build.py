# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Any module as a shared library that a process can load: the plan is a value, running it another.

Nothing about the module's ports is written by hand: they are read from what Verilator generates.
Verilator's own runtime is compiled once for a build folder, so a small module takes two seconds.
"""

from collections.abc import Sequence
from pathlib import Path

import finn

from hw.build import BuildPlan, BuildStore, require_compiler
from hw.errors import HardwareError
from hw.finn.library_patches import patch_library_file
from hw.verilator.toolchain import OBJECTS, Model, plan_model_build

__all__ = ["LIBRARY", "plan_model", "run_model_build"]

LIBRARY = "model.so"

_RTLLIB = Path(finn.__file__).parent / "finn-rtllib"
_HERE = Path(__file__).parent
_STAND_INS = _HERE.parent / "rtl" / "sim"  # for modules that Verilator does not elaborate
_HEADERS = (".vh", ".svh")
_SUFFIXES = (".v", ".sv", *_HEADERS)
_LOG_HEADER = "model_log.hpp"

_VERILATE = (
    *("--cc", "--prefix", "Vmodel", "-Mdir", OBJECTS, "--no-timing", "-O3", "-Wno-fatal"),
    *("--x-assign", "fast", "--x-initial", "fast", "--output-split", "200000"),
    *("--timescale-override", "1ps/1ps", "+define+FINN_SIMULATION"),
)
_COMPILE = (
    *("g++", "-std=c++17", "-O1", "-fPIC", "-fvisibility=hidden", "-fno-gnu-unique"),
    *("-DVL_USER_FATAL", "-DVM_COVERAGE=0", "-DVM_SC=0", "-DVM_TIMING=0", "-DVM_TRACE_FST=0"),
    *("-DVM_TRACE_SAIF=0", "-include", _LOG_HEADER, "-I.", f"-I{OBJECTS}", "-w"),
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
    includes = _include_flags(contents)
    for name in ("model.cpp", _LOG_HEADER):
        contents[name] = (_HERE / name).read_bytes()
    contents["ports.py"] = (_HERE / "_ports.py").read_bytes()
    return plan_model_build(
        Model(
            subject=f"module {top}",
            product=LIBRARY,
            files=contents,
            verilate=(*_VERILATE, "--top-module", top, *includes),
            compile=_COMPILE,
            defines=(f"-DVM_TRACE={trace:d}", f"-DVM_TRACE_VCD={trace:d}"),
            runtime_files=(_LOG_HEADER,),
            first_source="model.cpp",
            generate=(("python3", "ports.py", f"{OBJECTS}/Vmodel.h", "ports.inc"),),
            link=("-shared", "-Wl,-Bsymbolic"),
            waves="vcd" if trace else "",
            least_bytes=_CHUNK_BYTES,
            most_bytes=_CHUNK_BYTES,
        )
    )


def run_model_build(plan: BuildPlan, build_dir: Path) -> Path:
    """Return the shared library of a plan, built in a new folder of `build_dir` unless it is there.

    Raises:
        HardwareError: g++ is missing, or one of the tools failed; see BuildStore.
    """
    require_compiler()
    return BuildStore(build_dir).build(plan).path(LIBRARY)


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
