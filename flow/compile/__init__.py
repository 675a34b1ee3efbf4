# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""From an integer network to a sized and checked accelerator: of a run, or of a model file."""

from flow.compile.check import RtlRun, check_in_rtl, run_rtl
from flow.compile.model import CompiledModel, compile_model
from flow.compile.network import CompiledNetwork, compile_network
from flow.compile.opening import OpenedAccelerator, open_accelerator
from flow.compile.options import compile_config
from flow.compile.resources import layer_table, resource_table, resources_record
from flow.compile.rtlsim import replay_counterexamples, simulate_folder
from flow.compile.synthesis import synthesize_shown

__all__ = [
    "CompiledModel",
    "CompiledNetwork",
    "OpenedAccelerator",
    "RtlRun",
    "check_in_rtl",
    "compile_config",
    "compile_model",
    "compile_network",
    "layer_table",
    "open_accelerator",
    "replay_counterexamples",
    "resource_table",
    "resources_record",
    "run_rtl",
    "simulate_folder",
    "synthesize_shown",
]
