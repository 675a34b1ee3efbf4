# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Builds the native engine; everything else is in pyproject.toml.

A plain shared library behind ctypes: it needs g++ and no Python headers. The instruction set is
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

SOURCES = Path("flow/integer/native/src")
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


def plan_kernels() -> BuildPlan:
    """Return the build of the kernels, each source on its own."""
    job = CxxJob(
        compile=("g++", *FLAGS),
        sources=("*.cpp",),
        link=("g++", "-shared", "-pthread", "-o", LIBRARY),
    )
    sources = {path.name: path.read_bytes() for path in sorted((ROOT / SOURCES).iterdir())}
    return BuildPlan(
        subject="native engine",
        files=sources | job.files,
        command=job.command,
        products=(LIBRARY,),
        tools={"g++": compiler_version()},
        name="native",
    )


class BuildKernels(build_ext):
    """Builds by plan; equal sources are compiled once a machine."""

    def build_extension(self, ext: Extension) -> None:
        """Put the library where Python looks for the extension."""
        cache_folder = runpy.run_path(str(ROOT / "flow" / "environment.py"))["cache_folder"]
        require_compiler()
        products = BuildStore(cache_folder() / "native").build(plan_kernels())
        target = Path(self.get_ext_fullpath(ext.name))
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(products.path(LIBRARY), target)


setup(
    ext_modules=[
        Extension("flow.integer.native._kernels", sources=[f"{SOURCES}/engine.cpp"], language="c++")
    ],
    cmdclass={"build_ext": BuildKernels},
)
