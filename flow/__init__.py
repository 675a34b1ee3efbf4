# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The steps a user runs, from images to a report, and the command line.

What a notebook needs is here by name and loaded when it is first used; see docs/python.md.
"""

from typing import TYPE_CHECKING

from steelflow_names.lazy import loaded_when_used

if TYPE_CHECKING:
    from flow.attacks import build_attack
    from flow.check import Limits, ModelCheck, TestSet, check_model
    from flow.classifier import accuracy
    from flow.compile import compile_config, compile_model
    from flow.config import DataConfig
    from flow.data.datasets import load_dataset
    from flow.engines.rtlsim import RtlsimEngine
    from flow.evaluation.adapters import (
        as_art,
        as_foolbox,
        as_function,
        as_module,
        run_art,
        run_foolbox,
    )
    from flow.evaluation.evaluator import evaluate
    from flow.export.loading import load_model
    from flow.integer import IntegerNetwork
    from flow.integer.native import NativeNetwork
    from flow.lowering import InputEncoding

__all__ = [
    "DataConfig",
    "InputEncoding",
    "IntegerNetwork",
    "Limits",
    "ModelCheck",
    "NativeNetwork",
    "RtlsimEngine",
    "TestSet",
    "accuracy",
    "as_art",
    "as_foolbox",
    "as_function",
    "as_module",
    "build_attack",
    "check_model",
    "compile_config",
    "compile_model",
    "evaluate",
    "load_dataset",
    "load_model",
    "run_art",
    "run_foolbox",
]

_MODULES = {
    "DataConfig": "flow.config",
    "InputEncoding": "flow.lowering",
    "IntegerNetwork": "flow.integer",
    "Limits": "flow.check",
    "ModelCheck": "flow.check",
    "NativeNetwork": "flow.integer.native",
    "RtlsimEngine": "flow.engines.rtlsim",
    "TestSet": "flow.check",
    "accuracy": "flow.classifier",
    "as_art": "flow.evaluation.adapters",
    "as_foolbox": "flow.evaluation.adapters",
    "as_function": "flow.evaluation.adapters",
    "as_module": "flow.evaluation.adapters",
    "build_attack": "flow.attacks",
    "check_model": "flow.check",
    "compile_config": "flow.compile",
    "compile_model": "flow.compile",
    "evaluate": "flow.evaluation.evaluator",
    "load_dataset": "flow.data.datasets",
    "load_model": "flow.export.loading",
    "run_art": "flow.evaluation.adapters",
    "run_foolbox": "flow.evaluation.adapters",
}
__getattr__ = loaded_when_used(__name__, _MODULES)


def __dir__() -> list[str]:
    """Return the names that are loaded, and those that can be."""
    return sorted({*globals(), *__all__})
