# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Dividers of an ECP5's PLL; travels with build plans, so standard library only."""

from dataclasses import dataclass

__all__ = ["Pll", "nearest_pll"]

# Limits of EHXPLLL, as Project Trellis' ecppll has them, in MHz.
_LEAST_PHASE, _LEAST_VCO, _MOST_VCO = 3.125, 400.0, 800.0
_MOST_FEEDBACK, _MOST_OUTPUT = 80, 128


@dataclass(frozen=True)
class Pll:
    """clock = oscillator * feedback / reference, by an oscillator at clock * output."""

    oscillator_mhz: float
    reference: int
    feedback: int
    output: int

    @property
    def clock_mhz(self) -> float:
        """The clock that comes out."""
        return self.oscillator_mhz * self.feedback / self.reference


def nearest_pll(oscillator_mhz: float, most_mhz: float) -> Pll:
    """Return the dividers for the fastest clock that is not above `most_mhz`.

    Of equal ones, the one with the fastest phase detector and, then, VCO.

    Raises:
        ValueError: there is none.
    """
    found = [
        Pll(oscillator_mhz, reference, feedback, output)
        for reference in range(1, int(oscillator_mhz / _LEAST_PHASE) + 1)
        for feedback in range(1, _MOST_FEEDBACK + 1)
        for output in range(1, _MOST_OUTPUT + 1)
        if _is_legal(oscillator_mhz * feedback / reference, output, most_mhz)
    ]
    if not found:
        raise ValueError(
            f"PLL: no clock of at most {most_mhz:g} MHz can be made of {oscillator_mhz:g} MHz; "
            "ask for at least 4 MHz"
        )
    return max(found, key=lambda pll: (pll.clock_mhz, -pll.reference, pll.output))


def _is_legal(clock_mhz: float, output: int, most_mhz: float) -> bool:
    return clock_mhz <= most_mhz + 1e-9 and _LEAST_VCO <= clock_mhz * output <= _MOST_VCO
