# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The proof that a board computes what was compiled: digest, every value, the frame rate."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .driver import Driver
from .errors import BoardError

__all__ = ["CheckReport", "check"]


@dataclass(frozen=True)
class CheckReport:
    """What a check found.

    Attributes:
        images: that were sent.
        wrong: images with any value that differs.
        cycles_per_image: of the kernel, memory included.
        clock_mhz: of the board; 0 where it cannot be read.
        images_per_second: that the host saw.
        units: compute units that shared the images.
    """

    board: str
    digest: str
    images: int
    wrong: int
    cycles_per_image: float
    clock_mhz: float
    images_per_second: float
    units: int = 1

    def lines(self) -> list[str]:
        """Return the report as lines of text."""
        rate = self.units * 1e6 * self.clock_mhz / self.cycles_per_image
        units = f", {self.units} compute units" if self.units > 1 else ""
        clock = f"{rate:,.0f} images/s at {self.clock_mhz:g} MHz{units}"
        clock = clock if self.clock_mhz else "no clock (a simulation)"
        return [
            f"board    {self.board}",
            f"digest   {self.digest}, as compiled",
            f"values   {self.images - self.wrong} of {self.images} images exact",
            f"kernel   {self.cycles_per_image:,.1f} cycles/image, {clock}",
            f"host     {self.images_per_second:,.1f} images/s with all transfers",
        ]


def check(driver: Driver, images: NDArray[np.uint8], expected: NDArray[np.int32]) -> CheckReport:
    """Send images to the board and compare every value.

    Raises:
        BoardError: no images; the board fails, or holds another kernel.
    """
    if not len(images):
        raise BoardError("check: no images; package the kernel again")
    found = driver.run(images)
    return CheckReport(
        board=driver.device.name,
        digest=driver.description.digest.hex(),
        images=len(images),
        wrong=int((found.values != expected).any(axis=1).sum()),
        cycles_per_image=found.cycles_per_image,
        clock_mhz=driver.device.clock_mhz,
        images_per_second=len(images) / found.seconds,
        units=driver.units,
    )
