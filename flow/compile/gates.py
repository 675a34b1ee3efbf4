# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Images through the gates of an accelerator."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from flow.classifier import Images, check_images
from flow.compile.clock import kernel_of
from flow.compile.opening import OpenedAccelerator
from flow.compile.result_folder import in_cache
from flow.engines.simulation import read_images
from flow.errors import FlowError
from flow.integer import IntegerNetwork
from flow.progress import banner, meter
from hw.gates import build_kernel_gates
from hw.runner.backends.virtual import VirtualDevice
from hw.runner.description import Description
from hw.runner.driver import Driver
from hw.shell.kernel import KERNEL_FILE

__all__ = [
    "GateCheck",
    "check_kernel_gates",
    "compare",
    "gate_images",
    "network_of",
]


@dataclass(frozen=True)
class GateCheck:
    """What the gates computed: images, those with a value that differs, cycles of an image."""

    images: int
    wrong: int
    cycles_per_image: float

    def line(self) -> str:
        """Return it in words."""
        return f"gates: {self.images - self.wrong} of {self.images} images exact"


def gate_images(path: Path | None, count: int, shape: tuple[int, int, int]) -> Images:
    """Return the first images of a file, or noise of which every second image is black and white.

    Raises:
        FlowError: the file cannot be read.
    """
    if path is not None:
        return read_images(path)[:count]
    images = np.random.default_rng(0).integers(0, 256, (count, *shape), dtype=np.uint8)
    images[1::2] = 255 * (images[1::2] > 127)
    return images


def network_of(opened: OpenedAccelerator) -> IntegerNetwork:
    """Return the network that lies beside an accelerator.

    Raises:
        FlowError: there is none.
    """
    if opened.network is None:
        raise FlowError(
            f"gates: {opened.accelerator.folder} has no network beside it to tell the logits; name "
            "the folder that compile has written"
        )
    return opened.network


def compare(driver: Driver, network: IntegerNetwork, images: Images) -> GateCheck:
    """Send images uint8[N, H, W, C] to a board and compare every value.

    Raises:
        BoardError: the board fails.
    """
    with meter("gates", unit="images") as report:
        report(0, len(images))
        ran = driver.run(images)
        report(len(images), len(images))
    wrong = (ran.values != network.logits(images)).any(axis=1)
    return GateCheck(len(images), int(wrong.sum()), ran.cycles_per_image)


def check_kernel_gates(
    opened: OpenedAccelerator, images: Images, *, timeout_s: float | None = None
) -> GateCheck:
    """Synthesise the whole kernel with Yosys, simulate its netlist, and compare every value.

    The netlist's cells are Xilinx' primitives, with Yosys' models; driver and virtual board are
    those of the RTL. Netlist and program are kept in the machine's cache.

    Args:
        opened: for a part of the 7 series, with its network.
        images: uint8[N, H, W, C].
        timeout_s: limit for the synthesis.

    Raises:
        FlowError: there is no network to compare with.
        HardwareError: another family, or a tool that failed.
    """
    network = network_of(opened)
    check_images(images, network.input_shape)
    with in_cache("gates") as build_dir, kernel_of(opened.accelerator) as kernel:
        banner("  gates: synthesis of the whole kernel, then its simulation; kept in the cache")
        program = build_kernel_gates(kernel, build_dir, timeout_s=timeout_s)
        about = Description.load(kernel.folder / KERNEL_FILE)
        with Driver(VirtualDevice(program, kernel.folder), about) as driver:
            return compare(driver, network, images)
