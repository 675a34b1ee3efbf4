# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A kernel on a board as an engine: the virtual one here, or any that the driver runs."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from flow.classifier import Classifier, Images, Logits, check_images
from flow.engines.base import Report, Trace
from flow.errors import FlowError
from hw.accelerator import Accelerator
from hw.runner.backends.virtual import Memory, VirtualDevice
from hw.runner.description import Description
from hw.runner.driver import Driver
from hw.runner.errors import BoardError
from hw.shell.kernel import KERNEL_FILE, Kernel, write_kernel
from hw.shell.settings import KernelSettings
from hw.verilator.kernel import build_kernel

__all__ = ["BoardEngine", "BoardFigures", "CheckedBoard", "virtual_board"]


@dataclass
class BoardFigures:
    """What a board has done for an engine.

    Attributes:
        board: its name, or the server's address.
        digest: of the accelerator.
        clock_mhz: of the kernel; 0 for a simulation.
        queries: images that were classified.
        requests: in which they were sent.
        retries: of requests that the link lost.
        cycles: of the kernel; 0 where it is not told.
        seconds: that the host waited.
        link_s: of them, those beyond what the board's server took; 0 without a server.
    """

    board: str
    digest: str
    clock_mhz: float
    queries: int = 0
    requests: int = 0
    retries: int = 0
    cycles: int = 0
    seconds: float = 0.0
    link_s: float = 0.0


class BoardEngine:
    """The kernel, through its driver. A context manager: leaving it gives the board back.

    Args:
        driver: of the board.
        report: called with the images done and all images, after each run of the kernel.
    """

    name = "board"

    def __init__(self, driver: Driver, report: Report | None = None) -> None:
        about = driver.description
        if about.output != "logits":
            raise FlowError(
                f"board: {about.name} gives labels, not logits; compile it without --label"
            )
        self.driver, self.report = driver, report
        self.input_shape, self.classes = about.image_shape, about.outputs
        self.figures = BoardFigures(driver.device.name, about.digest.hex(), driver.device.clock_mhz)

    def close(self) -> None:
        """Give the board back."""
        self.driver.close()

    def __enter__(self) -> "BoardEngine":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def logits(self, images: Images) -> Logits:
        """Return int32[N, K]; see Classifier.

        Raises:
            FlowError: images of another shape, or a board that fails.
        """
        check_images(images, self.input_shape)
        try:
            found = self.driver.run(images)
        except BoardError as error:
            raise FlowError(str(error)) from error
        figures = self.figures
        figures.queries += len(images)
        figures.requests += 1
        figures.cycles += found.cycles
        figures.seconds += found.seconds
        if self.report:
            self.report(len(images), len(images))
        return found.values

    def trace(self, image: Images) -> Trace:
        """Return the logits only: inner streams are not observed."""
        return [("logits", self.logits(image).astype(np.int64))]


def virtual_board(
    accelerator: Accelerator,
    *,
    folder: Path,
    build_dir: Path,
    settings: KernelSettings | None = None,
    memory: Memory | None = None,
    report: Report | None = None,
) -> BoardEngine:
    """Return an accelerator as a kernel on the virtual board.

    Args:
        accelerator: what it is to compute.
        folder: where the kernel is written.
        build_dir: where compiled programs are kept, by digest.
        settings: of the kernel's memory port.
        memory: how the board's memory behaves; None for a latency of 100 to 120 cycles.
        report: as for BoardEngine.

    Raises:
        HardwareError: a tool is missing or failed.
        FlowError: the accelerator gives labels.
    """
    kernel: Kernel = write_kernel(accelerator, folder, settings)
    program = build_kernel(kernel, build_dir)
    description = Description.load(kernel.folder / KERNEL_FILE)
    return BoardEngine(Driver(VirtualDevice(program, kernel.folder, memory), description), report)


class CheckedBoard:
    """A board whose every answer is compared with the integers, which define it.

    Args:
        board: the engine that is asked.
        reference: the integer network.
        keep: where images are saved, as .npy, whose logits differ.

    Attributes:
        compared: images.
        differing: of them, those with a logit that was not the integers'.
    """

    name = "board"

    def __init__(self, board: Classifier, reference: Classifier, keep: Path) -> None:
        self.board, self.reference, self.keep = board, reference, keep
        self.input_shape, self.classes = board.input_shape, board.classes
        self.compared = self.differing = 0

    def logits(self, images: Images) -> Logits:
        """Return the board's logits int32[N, K].

        Raises:
            FlowError: they differ from the integers; the images are kept.
        """
        found, expected = self.board.logits(images), self.reference.logits(images)
        wrong = (found != expected).any(axis=1)
        self.compared += len(images)
        self.differing += int(wrong.sum())
        if wrong.any():
            first = int(wrong.argmax())
            np.save(self.keep, images[wrong], allow_pickle=False)
            raise FlowError(
                f"board: contradicts the integers on {int(wrong.sum())} of {len(images)} images: "
                f"logits {found[first].tolist()}, not {expected[first].tolist()}; "
                f"kept in {self.keep}"
            )
        return found
