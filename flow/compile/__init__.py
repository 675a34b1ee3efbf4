# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""From an integer network to a sized and checked accelerator: of a run, or of a model file."""

from flow.compile.check import RtlCheck, check_in_rtl
from flow.compile.model import CompiledModel, compile_model
from flow.compile.network import compile_network
from flow.compile.options import compile_config

__all__ = [
    "CompiledModel",
    "RtlCheck",
    "check_in_rtl",
    "compile_config",
    "compile_model",
    "compile_network",
]
