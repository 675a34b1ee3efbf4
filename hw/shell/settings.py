# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""How a kernel meets memory."""

from dataclasses import dataclass

from hw.errors import HardwareError

__all__ = ["KernelSettings"]

_CHOICES = {
    "data_bits": (64, 128, 256, 512),
    "burst_beats": (2, 4, 8, 16),
    "outstanding": (2, 4, 8, 16, 32),
}
_LEAST_WATCHDOG = 1000


@dataclass(frozen=True, kw_only=True)
class KernelSettings:
    """The memory port of a kernel.

    Attributes:
        data_bits: of a beat, as wide as the board's port: 64 on Zynq-7000, 128 on UltraScale+, 512
            on Alveo.
        burst_beats: of the longest burst; 16 is what AXI3 ports take.
        outstanding: bursts that are under way at once, of reads and of writes; None for as many
            as hide a memory's latency of 256 cycles at the rate that the accelerator reads.
        watchdog_cycles: without any beat after which a run ends with an error; None for several
            times what the layers take for a frame.
    """

    data_bits: int = 64
    burst_beats: int = 16
    outstanding: int | None = None
    watchdog_cycles: int | None = None

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            value = getattr(self, name)
            if value not in choices and not (name == "outstanding" and value is None):
                raise HardwareError(
                    f"kernel: {name} {value} is none of {', '.join(map(str, choices))}; choose one"
                )
        if self.watchdog_cycles is not None and not (
            _LEAST_WATCHDOG <= self.watchdog_cycles < 2**31
        ):
            raise HardwareError(
                f"kernel: watchdog_cycles {self.watchdog_cycles} is not {_LEAST_WATCHDOG} to "
                "2^31 - 1; leave it out for several frames"
            )
