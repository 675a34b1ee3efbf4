# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The SystemVerilog files of our cores, in hw/rtl/layers: a file a module, named after it."""

import re
from pathlib import Path

import hw

__all__ = ["RTL_FOLDER", "core_sources"]

RTL_FOLDER = Path(hw.__file__).parent / "rtl" / "layers"
_USED = re.compile(r"^\s*(\w+) #\(|\b(\w+_pkg)\b", re.M)  # an instance with parameters, a package


def core_sources(*modules: str) -> tuple[Path, ...]:
    """Return the files of these modules and of all that they use, each behind what it uses."""
    found: dict[Path, None] = {}
    for module in modules:
        path = RTL_FOLDER / f"{module}.sv"
        used = ["".join(names) for names in _USED.findall(path.read_text())]
        ours = [name for name in used if name != module and (RTL_FOLDER / f"{name}.sv").exists()]
        found |= dict.fromkeys(core_sources(*ours)) | {path: None}
    return tuple(found)
