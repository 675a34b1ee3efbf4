# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""FINN's own Python above the simulator, loaded with our models below it."""

import importlib
import sys
from functools import cache
from types import ModuleType

from hw.xsi import design

__all__ = ["load_adapter"]

_BELOW = "xsi"  # FINN's compiled module, which needs Vivado
_ABOVE = ("finn_xsi.sim_engine", "finn_xsi.adapter")


@cache
def load_adapter() -> ModuleType:
    """Return a copy of FINN's finn_xsi.adapter, and of SimEngine in it, that runs on our models.

    The modules that are imported under these names, if any, stay as they are.
    """
    before = {name: sys.modules.pop(name, None) for name in (_BELOW, *_ABOVE)}
    sys.modules[_BELOW] = design
    try:
        return importlib.import_module("finn_xsi.adapter")
    finally:
        for name, module in before.items():
            sys.modules.pop(name, None)
            if module is not None:
                sys.modules[name] = module
