# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Builds the native engines; everything else is in pyproject.toml.

Plain shared libraries behind ctypes: they need g++ and no Python headers. The instruction set is
chosen at run time, so that one build runs on every machine of its architecture.
"""

from pathlib import Path

from setuptools import Extension, setup

ENGINES = Path("flow/integer")
FLAGS = (
    "-std=c++17",
    "-O3",
    "-ffp-contract=off",  # thresholds are proven for a product and a sum rounded one by one
    "-fwrapv",  # what lies in registers beyond the last channel is added up too, and not used
    "-fno-strict-aliasing",
    "-fvisibility=hidden",
    "-pthread",
    "-Wno-psabi",  # wide registers cross no call that is not inlined
    "-Wall",
    "-Wextra",
)


def _sources(engine: str, *endings: str) -> list[str]:
    folder = ENGINES / engine / "src"
    return sorted(str(path) for ending in endings for path in folder.glob(f"*.{ending}"))


def _extension(engine: str) -> Extension:
    return Extension(
        f"flow.integer.{engine}._kernels",
        sources=_sources(engine, "cpp"),
        depends=_sources(engine, "hpp", "inl"),
        extra_compile_args=list(FLAGS),
        extra_link_args=["-pthread"],
        language="c++",
    )


setup(ext_modules=[_extension("native"), _extension("incremental")])
