# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Builds by any tool: a plan is a value, running it is a second thing, its products are kept.

Standard library only, so that `setup.py` can use it before anything is installed.
"""

from hw.build.cxx import CxxJob, compiler_version, require_compiler
from hw.build.plan import PYTHON, BuildPlan
from hw.build.runner import LocalRunner, Runner
from hw.build.store import BuildProducts, BuildStore

__all__ = [
    "PYTHON",
    "BuildPlan",
    "BuildProducts",
    "BuildStore",
    "CxxJob",
    "LocalRunner",
    "Runner",
    "compiler_version",
    "require_compiler",
]
