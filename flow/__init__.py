# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The steps a user runs, from images to a report, and the command line.

What a notebook needs is here by name and loaded when it is first used; see docs/python.md.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flow.adapters import as_art, as_foolbox, as_function, as_module, run_art, run_foolbox
    from flow.attacks import build_attack
    from flow.check import Limits, ModelCheck, TestSet, check_model
    from flow.classifier import accuracy
    from flow.compile import compile_config, compile_model
    from flow.data import load_dataset
    from flow.engines import RtlsimEngine
    from flow.evaluation import evaluate
    from flow.integer import IntegerNetwork
    from flow.integer.native import NativeNetwork
    from flow.loading import load_model
    from flow.lowering import InputEncoding
    from flow.settings import DataConfig

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
    "DataConfig": "flow.settings",
    "InputEncoding": "flow.lowering",
    "IntegerNetwork": "flow.integer",
    "Limits": "flow.check",
    "ModelCheck": "flow.check",
    "NativeNetwork": "flow.integer.native",
    "RtlsimEngine": "flow.engines",
    "TestSet": "flow.check",
    "accuracy": "flow.classifier",
    "as_art": "flow.adapters",
    "as_foolbox": "flow.adapters",
    "as_function": "flow.adapters",
    "as_module": "flow.adapters",
    "build_attack": "flow.attacks",
    "check_model": "flow.check",
    "compile_config": "flow.compile",
    "compile_model": "flow.compile",
    "evaluate": "flow.evaluation",
    "load_dataset": "flow.data",
    "load_model": "flow.loading",
    "run_art": "flow.adapters",
    "run_foolbox": "flow.adapters",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever has that name
    """Load a name when it is first used."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_MODULES[name]), name)
    globals()[name] = value  # so that this is not asked again
    return value


def __dir__() -> list[str]:
    """Return the names that are loaded, and those that can be."""
    return sorted({*globals(), *__all__})
