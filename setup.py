# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Builds the native engine; everything else is in pyproject.toml.

A plain shared library behind ctypes: it needs g++ and no Python headers, and each instruction set
is chosen at run time, so that one build runs on every machine of its architecture.
"""

from glob import glob

from setuptools import Extension, setup

SOURCES = "flow/integer/native/src"

setup(
    ext_modules=[
        Extension(
            "flow.integer.native._kernels",
            sources=sorted(glob(f"{SOURCES}/*.cpp")),
            depends=sorted(glob(f"{SOURCES}/*.hpp") + glob(f"{SOURCES}/*.inl")),
            # No contraction: thresholds are proven for a product and a sum rounded one by one.
            extra_compile_args=[
                "-std=c++17",
                "-O3",
                "-ffp-contract=off",
                "-fvisibility=hidden",
                "-pthread",
                "-fno-strict-aliasing",
                "-Wall",
                "-Wextra",
            ],
            extra_link_args=["-pthread"],
            language="c++",
        )
    ]
)
