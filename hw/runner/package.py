# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A folder for a board: kernel.json, the products, and images with the values they must give.

`board.json` names the backend and its product, relative to the folder:
{"schema": 1, "backend": "zynq", "product": "kernel.bit", "kernel": "kernel_0", "units": 1}. Images
lie in images.npy, uint8[N, H, W, C], their values in expected.npy, int32[N, K].
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .backends.alveo import AlveoDevice
from .backends.uart import UartDevice
from .backends.virtual import VirtualDevice
from .backends.zynq import ZynqDevice
from .description import Description
from .device import Device
from .errors import BoardError

__all__ = ["BACKENDS", "BOARD_FILE", "Package"]

BOARD_FILE = "board.json"
SCHEMA = 1
BACKENDS = ("zynq", "alveo", "uart", "virtual")


@dataclass(frozen=True)
class Package:
    """A folder that can be used on its board.

    Attributes:
        description: of the kernel.
        backend: one of BACKENDS.
        product: bitstream, xclbin or program of the simulation.
        kernel: the cell's or the kernel's name; the kernel's folder for the virtual board, the
            serial port for one behind a UART.
        units: compute units in the product.
    """

    folder: Path
    description: Description
    backend: str
    product: Path
    kernel: str
    units: int = 1

    @classmethod
    def load(cls, folder: Path) -> "Package":
        """Read a folder.

        Raises:
            BoardError: a file is missing, or is none of this version.
        """
        path = folder / BOARD_FILE
        try:
            data: Any = json.loads(path.read_text())
        except (OSError, ValueError) as error:
            raise BoardError(
                f"{path}: cannot be read ({error}); package the kernel again"
            ) from error
        about = data if isinstance(data, dict) else {}
        if about.get("schema") != SCHEMA or about.get("backend") not in BACKENDS:
            raise BoardError(
                f"{path}: schema {about.get('schema')!r} with backend {about.get('backend')!r} is "
                f"not {SCHEMA} with {', '.join(BACKENDS)}; package the kernel again"
            )
        units = about.get("units", 1)
        if not isinstance(units, int) or units < 1:
            raise BoardError(f"{path}: units {units!r} is no count; package the kernel again")
        description = Description.load(folder / "kernel.json")
        product = folder / str(about.get("product"))
        return cls(folder, description, about["backend"], product, str(about.get("kernel")), units)

    def open(self, port: str = "") -> tuple[Device, ...]:
        """Return the board's compute units, the kernel loaded; one behind a UART was loaded before.

        Args:
            port: serial port, over the one that the package names.

        Raises:
            BoardError: the board, its software or a product is missing.
        """
        if self.backend == "virtual":
            return (VirtualDevice(self.product.resolve(), (self.folder / self.kernel).resolve()),)
        if self.backend == "uart":
            return (UartDevice(port or self.kernel),)
        clock_mhz = self.description.clock_mhz
        if self.backend == "zynq":
            return (ZynqDevice(self.product, kernel=self.kernel, clock_mhz=clock_mhz),)
        numbers = range(1, self.units + 1) if self.units > 1 else [0]
        return tuple(
            AlveoDevice(self.product, kernel=self.kernel, clock_mhz=clock_mhz, unit=number)
            for number in numbers
        )

    def examples(self) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
        """Return the images and the values that they must give.

        Raises:
            BoardError: a file is missing or damaged.
        """
        images, expected = (self._array(name) for name in ("images.npy", "expected.npy"))
        if len(images) != len(expected):
            raise BoardError(
                f"{self.folder}: {len(images)} images, {len(expected)} rows of values; "
                "package the kernel again"
            )
        return images, expected

    def _array(self, name: str) -> NDArray[Any]:
        path = self.folder / name
        try:
            found: NDArray[Any] = np.load(path, allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise BoardError(
                f"{path}: cannot be read ({error}); package the kernel again"
            ) from error
        return found
