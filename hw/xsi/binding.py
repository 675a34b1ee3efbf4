# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Make finn.xsi simulate with Verilator, so that FINN's rtlsim runs as it is, without Vivado."""

from functools import partial
from pathlib import Path
from typing import Any

import finn.xsi

from hw.xsi import engine
from hw.xsi._finn import load_adapter

__all__ = ["install", "uninstall"]

_FINNS_OWN = ("SimEngine", "close_rtlsim", "locate_glbl", "reset_rtlsim")
_ABSENT = object()
_replaced: dict[str, Any] = {}


def install(*, build_dir: Path | None = None) -> None:
    """Bind all that FINN imports from finn.xsi; can be repeated, the last call holds.

    Nothing but attributes of the module finn.xsi changes. Call it before finn.builder is imported,
    which asks for these names at once. Processes that FINN forks have it too.

    Args:
        build_dir: where compiled models are kept, by digest; by default a folder in FINN's build
            folder (`hw.finn.session.finn_build_dir`) of the time.
    """
    adapter = load_adapter()
    names: dict[str, Any] = {name: getattr(adapter, name) for name in _FINNS_OWN}
    names |= {name: getattr(engine, name) for name in engine.__all__}
    names["compile_sim_obj"] = partial(engine.compile_sim_obj, build_dir=build_dir)
    names |= {"is_available": _is_available, "ensure_available": _is_available}
    for name, value in names.items():
        _replaced.setdefault(name, vars(finn.xsi).get(name, _ABSENT))
        setattr(finn.xsi, name, value)


def uninstall() -> None:
    """Give finn.xsi back what it had before `install`; nothing if it has not been called."""
    while _replaced:
        name, value = _replaced.popitem()
        if value is _ABSENT:
            delattr(finn.xsi, name)
        else:
            setattr(finn.xsi, name, value)


def _is_available() -> bool:
    return True
