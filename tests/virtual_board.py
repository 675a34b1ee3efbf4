# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A virtual board whose accelerator is quick and easy to predict."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from hashing_kernel import Geometry, write_hashing_kernel
from numpy.typing import NDArray

from hw.runner.description import Description
from hw.verilator.kernel import build_kernel

__all__ = ["Built", "build_board"]

GEOMETRY = Geometry(in_bytes=3, frame_beats=12, out_beats=1, lanes=5, value_bits=11)


@dataclass(frozen=True)
class Built:
    """A kernel's folder and program, and images with what they must give."""

    folder: Path
    program: Path
    images: NDArray[np.uint8]
    expected: NDArray[np.int32]

    @property
    def description(self) -> Description:
        """What kernel.json says."""
        return Description.load(self.folder / "kernel.json")


def build_board(folder: Path) -> Built:
    """Compile the kernel."""
    kernel = write_hashing_kernel(GEOMETRY, folder)
    frames = np.random.default_rng(7).integers(0, 256, (23, GEOMETRY.frame_bytes), dtype=np.uint8)
    images = frames.reshape(-1, *kernel.manifest.image_shape)
    program = build_kernel(kernel, folder / "verilator")
    return Built(kernel.folder, program, images, GEOMETRY.results(frames))
