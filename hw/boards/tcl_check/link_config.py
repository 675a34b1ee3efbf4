# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What v++ is told to link, read as strictly as the manual has it (UG1393, --connectivity)."""

import re
from dataclasses import dataclass, field

from hw.errors import HardwareError
from steelflow_names import hint

__all__ = ["Linked", "check_link"]

_GENERAL = ("platform", "kernel_frequency")
_CONNECTIVITY = {
    "nk": re.compile(r"(?P<kernel>\w+):(?P<count>[1-9]\d*)"),
    "sp": re.compile(r"(?P<unit>\w+)\.(?P<port>\w+):(?P<bank>(?:DDR|HBM|PLRAM)\[\d+(?::\d+)?\])"),
    "slr": re.compile(r"(?P<unit>\w+):(?P<die>SLR\d)"),
}


@dataclass
class Linked:
    """What would be linked: the platform, its clock, and the units with their bank and die."""

    platform: str = ""
    clock_mhz: float = 0.0
    units: dict[str, str] = field(default_factory=dict)  # name -> kernel
    banks: dict[str, str] = field(default_factory=dict)  # unit -> bank
    dies: dict[str, str] = field(default_factory=dict)  # unit -> die


def check_link(text: str, kernel: str, port: str) -> Linked:
    """Read a configuration for the one kernel of an .xo, which reaches its memory by a port.

    Raises:
        HardwareError: the line and the rule.
    """
    found, section = Linked(), ""
    for line in text.splitlines():
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        if stripped.startswith("["):
            section = stripped
            continue
        key, _, value = stripped.partition("=")
        if section == "":
            _general(found, key, value)
        elif section == "[connectivity]":
            _connect(found, key, value, kernel, port)
        else:
            raise HardwareError(f"v++: section {section} is not known; see UG1393")
    if not found.platform or not found.units:
        raise HardwareError("v++: no platform or no nk; name both")
    return found


def _general(found: Linked, key: str, value: str) -> None:
    if key not in _GENERAL:
        raise HardwareError(f"v++: option {key}{hint(key, _GENERAL)}")
    if key == "platform":
        found.platform = value
    else:
        found.clock_mhz = float(value)


def _connect(found: Linked, key: str, value: str, kernel: str, port: str) -> None:
    if key not in _CONNECTIVITY:
        raise HardwareError(f"v++: connectivity.{key}{hint(key, _CONNECTIVITY)}")
    match = _CONNECTIVITY[key].fullmatch(value)
    if match is None:
        raise HardwareError(f"v++: {key}={value}: is not of the form that UG1393 gives")
    if key == "nk":
        if match["kernel"] != kernel:
            raise HardwareError(f"v++: nk={value}: the .xo holds the kernel {kernel}")
        found.units = {f"{kernel}_{n + 1}": kernel for n in range(int(match["count"]))}
        return
    if match["unit"] not in found.units:
        raise HardwareError(f"v++: {key}={value}: no unit {match['unit']}{hint('', found.units)}")
    if key == "sp" and match["port"] != port:
        raise HardwareError(f"v++: sp={value}: the kernel's port is {port}")
    places = found.banks if key == "sp" else found.dies
    if match["unit"] in places:
        raise HardwareError(f"v++: {key}={value}: {match['unit']} has one already; give one")
    places[match["unit"]] = match["bank" if key == "sp" else "die"]
