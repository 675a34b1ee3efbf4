# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Builds the native engine; everything else is in pyproject.toml.

A plain shared library behind ctypes: it needs g++ and no Python headers. The instruction set is
chosen at run time, so that one build runs on every machine of its architecture.
"""

from pathlib import Path

from setuptools import Extension, setup

SOURCES = Path("flow/integer/native/src")
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


def _sources(*endings: str) -> list[str]:
    return sorted(str(path) for ending in endings for path in SOURCES.glob(f"*.{ending}"))


setup(
    ext_modules=[
        Extension(
            "flow.integer.native._kernels",
            sources=_sources("cpp"),
            depends=_sources("hpp", "inl"),
            extra_compile_args=list(FLAGS),
            extra_link_args=["-pthread"],
            language="c++",
        )
    ]
)
