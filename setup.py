# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Builds the native engines; everything else is in pyproject.toml.

Plain shared libraries behind ctypes: they need g++ and no Python headers. The instruction set is
chosen at run time, so that one build runs on every machine of its architecture.
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

ENGINES = ROOT / "flow" / "integer"
LIBRARY = "kernels.so"
FLAGS = (
    "-std=c++17",
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


def plan_kernels(engine: str) -> BuildPlan:
    """Return the build of an engine's kernels, each source on its own."""
    job = CxxJob(
        compile=("g++", *FLAGS),
        sources=("*.cpp",),
        link=("g++", "-shared", "-pthread", "-o", LIBRARY),
    )
    sources = {
        path.name: path.read_bytes() for path in sorted((ENGINES / engine / "src").iterdir())
    }
    return BuildPlan(
        subject=f"{engine} engine",
        files=sources | job.files,
        command=job.command,
        products=(LIBRARY,),
        tools={"g++": compiler_version()},
        name=engine,
    )


class BuildKernels(build_ext):
    """Builds by plan; equal sources are compiled once a machine."""

    def build_extension(self, ext: Extension) -> None:
        """Put the library where Python looks for the extension."""
        cache_folder = runpy.run_path(str(ROOT / "flow" / "environment.py"))["cache_folder"]
        require_compiler()
        plan = plan_kernels(ext.name.split(".")[-2])
        target = Path(self.get_ext_fullpath(ext.name))
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(BuildStore(cache_folder() / "native").build(plan).path(LIBRARY), target)


def _extension(engine: str) -> Extension:
    sources = [f"flow/integer/{engine}/src/{name}" for name in ("engine.cpp", "interface.cpp")]
    return Extension(f"flow.integer.{engine}._kernels", sources=sources, language="c++")


setup(
    ext_modules=[_extension("native"), _extension("incremental")],
    cmdclass={"build_ext": BuildKernels},
)
