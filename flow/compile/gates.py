# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Images through the gates of an accelerator, and its timing before placement."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from flow.classifier import Images, check_images
from flow.compile.opening import OpenedAccelerator
from flow.compile.result_folder import in_cache
from flow.engines.simulation import read_images
from flow.errors import FlowError
from flow.integer import IntegerNetwork
from flow.progress import banner, meter
from hw.accelerator import Accelerator
from hw.gates import build_kernel_gates
from hw.runner.backends.virtual import VirtualDevice
from hw.runner.description import Description
from hw.runner.driver import Driver
from hw.shell.kernel import KERNEL_FILE, Kernel, write_kernel
from hw.synth.kernel import SHELL, kernel_timing
from hw.synth.timing import LayerTiming

__all__ = [
    "GateCheck",
    "check_kernel_gates",
    "compare",
    "gate_images",
    "network_of",
    "time_kernel",
    "timing_table",
]

_TOLD = 20  # layers in the table


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
    with in_cache("gates") as build_dir, _kernel(opened.accelerator) as kernel:
        banner("  gates: synthesis of the whole kernel, then its simulation; kept in the cache")
        program = build_kernel_gates(kernel, build_dir, timeout_s=timeout_s)
        about = Description.load(kernel.folder / KERNEL_FILE)
        with Driver(VirtualDevice(program, kernel.folder), about) as driver:
            return compare(driver, network, images)


def time_kernel(accelerator: Accelerator, *, timeout_s: float | None = None) -> list[LayerTiming]:
    """Return the longest path that ends in each layer and in the shell, the slowest first.

    Raises:
        HardwareError: another family than the 7 series, or a tool that failed.
    """
    with in_cache("gates") as build_dir, _kernel(accelerator) as kernel:
        banner("  timing: synthesis of the whole kernel; kept in the cache")
        return kernel_timing(kernel, build_dir, timeout_s=timeout_s)


def timing_table(paths: list[LayerTiming], asked_mhz: float) -> list[str]:
    """Return lines: the slowest layers, the clock that they allow, and what can be done."""
    width = max(len(path.name) for path in paths)
    head = (
        f"{'longest path in':{width}}   from {'':{width - 5}} levels  fan-out     ns (cells)  MHz"
    )
    lines = [head] + [
        f"{path.name:{width}}   {path.source:{width}} {path.levels:>6} {path.fan_out:>8} "
        f"{path.delay_ns:>6.2f} ({path.logic_ns:5.2f}) {path.clock_mhz:>4.0f}"
        for path in paths[:_TOLD]
    ]
    worst = paths[0]
    return [*lines, _verdict(worst, asked_mhz), *_remedy(worst, asked_mhz)]


def _verdict(worst: LayerTiming, asked_mhz: float) -> str:
    return (
        f"{worst.name} limits the clock: about {worst.clock_mhz:.0f} MHz before placement, "
        f"{asked_mhz:g} MHz asked for"
    )


def _remedy(worst: LayerTiming, asked_mhz: float) -> list[str]:
    """Return what shortens the longest path, if it has to be."""
    if worst.clock_mhz >= asked_mhz:
        return []
    if worst.source != worst.name:
        return [f"the path crosses the seam of {worst.source} and {worst.name}: a register cuts it"]
    if worst.name == SHELL:
        return [f"the path lies inside of the {SHELL}, which is the same for all: lower the clock"]
    return [f"the path lies inside of {worst.name}: fold it more, so that it computes less at once"]


@contextmanager
def _kernel(accelerator: Accelerator) -> Iterator[Kernel]:
    with tempfile.TemporaryDirectory(prefix="kernel-") as scratch:
        yield write_kernel(accelerator, Path(scratch) / "kernel")
