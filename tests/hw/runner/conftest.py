# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A virtual board whose accelerator is quick and easy to predict."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1] / "shell"))
from hashing_kernel import Geometry, write_hashing_kernel

from hw.runner.backends.virtual import VirtualDevice
from hw.runner.description import Description
from hw.verilator.kernel import build_kernel

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


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The kernel, compiled once."""
    work = tmp_path_factory.mktemp("runner")
    kernel = write_hashing_kernel(GEOMETRY, work)
    frames = np.random.default_rng(7).integers(0, 256, (23, GEOMETRY.frame_bytes), dtype=np.uint8)
    images = frames.reshape(-1, *kernel.manifest.image_shape)
    program = build_kernel(kernel, work / "verilator")
    return Built(kernel.folder, program, images, GEOMETRY.results(frames))


@pytest.fixture
def board(built: Built) -> Iterator[VirtualDevice]:
    """A virtual board that has just been switched on."""
    device = VirtualDevice(built.program, built.folder)
    yield device
    device.close()
