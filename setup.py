# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Builds the shared libraries; everything else is in pyproject.toml.

They are plain ones behind ctypes: they need g++ and no Python headers. The instruction set is
chosen at run time, so that one build runs on every machine of its architecture. Another
architecture's compiler is named in CXX (docs/development.md).
"""

import runpy
import shutil
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).parent.resolve()
sys.path.insert(0, str(ROOT))

from hw.build import BuildPlan, BuildStore, CxxJob, compiler_version, require_compiler  # noqa: E402

_ENVIRONMENT = runpy.run_path(str(ROOT / "flow" / "environment.py"))
COMPILER = _ENVIRONMENT["compiler"]()
LIBRARY = "kernels.so"
FLAGS = (
    "-std=c++20",
    "-O3",
    "-ffp-contract=off",  # thresholds are proven for a product and a sum rounded one by one
    "-fwrapv",  # what lies in registers beyond the last channel is added up too, and not used
    "-fno-strict-aliasing",
    "-fvisibility=hidden",
    "-fPIC",
    "-pthread",
    "-Wno-psabi",  # wide registers cross no call that is not inlined
    "-Wall",
    "-Wextra",
)


def plan_library(package: str) -> BuildPlan:
    """Return the build of a package's shared library, each source on its own."""
    job = CxxJob(
        compile=(COMPILER, *FLAGS),
        sources=("*.cpp",),
        link=(COMPILER, "-shared", "-pthread", "-o", LIBRARY),
    )
    folder = ROOT.joinpath(*package.split(".")) / "src"
    sources = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
    name = package.rsplit(".", 1)[-1]
    return BuildPlan(
        subject=f"{name} library",
        files=sources | job.files,
        command=job.command,
        products=(LIBRARY,),
        tools={COMPILER: compiler_version(COMPILER)},
        name=name,
    )


class BuildKernels(build_ext):
    """Builds by plan; equal sources are compiled once a machine."""

    def build_extension(self, ext: Extension) -> None:
        """Put the library where Python looks for the extension."""
        require_compiler(COMPILER)
        plan = plan_library(ext.name.rsplit(".", 1)[0])
        target = Path(self.get_ext_fullpath(ext.name))
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(
            BuildStore(_ENVIRONMENT["cache_folder"]() / "native").build(plan).path(LIBRARY), target
        )


def _extension(package: str, library: str, *sources: str) -> Extension:
    paths = [f"{package.replace('.', '/')}/src/{name}" for name in sources]
    return Extension(f"{package}.{library}", sources=paths, language="c++")


setup(
    ext_modules=[
        _extension("flow.integer.native", "_kernels", "engine.cpp"),
        _extension("flow.integer.incremental", "_kernels", "interface.cpp"),
        _extension("flow.bench.held", "_cpuid", "cpuid.cpp"),
    ],
    cmdclass={"build_ext": BuildKernels},
)
