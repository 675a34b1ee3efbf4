# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A kernel that is started through its registers."""

from ..device import Registers
from ..registers import (
    CONTROL,
    DONE,
    GLOBAL_INTERRUPT,
    INTERRUPT_ENABLE,
    INTERRUPT_STATUS,
    START,
    Arguments,
)

__all__ = ["acknowledge", "begin", "is_done"]


def begin(registers: Registers, arguments: Arguments) -> None:
    """Hand over the arguments, enable the interrupt and start."""
    for address, value in arguments.writes():
        registers.write(address, value)
    registers.write(GLOBAL_INTERRUPT, 1)
    registers.write(INTERRUPT_ENABLE, 1)
    registers.write(CONTROL, START)


def is_done(registers: Registers) -> bool:
    """Say whether the run is done; says so once."""
    return bool(registers.read(CONTROL) & DONE)


def acknowledge(registers: Registers) -> None:
    """Take the interrupt back: status bits are toggled by what is written."""
    registers.write(INTERRUPT_STATUS, registers.read(INTERRUPT_STATUS))
