# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What a build for an ECP5 has found: clock, timing, utilisation."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from hw.build import BuildProducts
from hw.ecp5.plan import REPORT, RESULT
from hw.errors import HardwareError

__all__ = ["Ecp5Result", "read_result"]

# nextpnr's names of what a user counts.
_NAMES = {
    "LUT4": "TRELLIS_COMB",
    "FF": "TRELLIS_FF",
    "EBR": "DP16KD",
    "MULT18": "MULT18X18D",
    "LUT RAM": "TRELLIS_RAMW",
}


@dataclass(frozen=True, kw_only=True)
class Ecp5Result:
    """A bitstream's figures.

    Attributes:
        asked_mhz: asked for.
        clock_mhz: the PLL's.
        met_mhz: the most that nextpnr's timing allows; at least clock_mhz.
        seed: of the placement.
        used: resource -> (used, available).
    """

    asked_mhz: float
    clock_mhz: float
    met_mhz: float
    seed: int
    used: Mapping[str, tuple[int, int]]

    @property
    def clock_hz(self) -> int:
        """The clock that the board counts its bits by."""
        return round(1e6 * self.clock_mhz)


def read_result(products: BuildProducts) -> Ecp5Result:
    """Read the figures of a build.

    Raises:
        HardwareError: a file is damaged, or timing is not met.
    """
    try:
        about = json.loads(products.path(RESULT).read_text())
        cells = json.loads(products.path(REPORT).read_text())["utilization"]
        found = Ecp5Result(
            asked_mhz=about["asked_mhz"],
            clock_mhz=about["clock_mhz"],
            met_mhz=about["met_mhz"],
            seed=about["seed"],
            used={name: (cells[c]["used"], cells[c]["available"]) for name, c in _NAMES.items()},
        )
    except (OSError, ValueError, KeyError) as error:
        raise HardwareError(
            f"{products.folder}: {type(error).__name__}: {error}; delete the folder and build again"
        ) from error
    if found.met_mhz < found.clock_mhz:
        raise HardwareError(
            f"{products.folder}: timing allows {found.met_mhz:.2f} MHz, not the "
            f"{found.clock_mhz:g} MHz of its PLL; ask for a lower clock"
        )
    return found
