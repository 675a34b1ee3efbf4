# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""How v++ is to link a kernel's compute units: names, memories, dies (UG1393, [connectivity])."""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Placement", "render_connectivity"]


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Where a compute unit goes.

    Attributes:
        bank: its memory, as "DDR[0]"; empty for v++ to choose.
        slr: its die, as "SLR0"; empty for v++ to choose.
    """

    bank: str = ""
    slr: str = ""


def render_connectivity(kernel: str, port: str, units: Sequence[Placement]) -> str:
    """Return the section [connectivity] for units KERNEL_1, KERNEL_2... of a kernel.

    These are v++'s own names: between names that are given, UG1393 has a point in 2020.2, and a
    comma in 2023.1.

    Args:
        kernel: its name.
        port: by which a unit reaches its memory.
        units: their places.
    """
    named = [(f"{kernel}_{number}", unit) for number, unit in enumerate(units, 1)]
    lines = [
        f"nk={kernel}:{len(units)}",
        *(f"sp={name}.{port}:{unit.bank}" for name, unit in named if unit.bank),
        *(f"slr={name}:{unit.slr}" for name, unit in named if unit.slr),
    ]
    return "[connectivity]\n" + "\n".join(lines) + "\n"
