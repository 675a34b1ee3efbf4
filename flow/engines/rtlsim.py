# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The stitched RTL in Verilator as an engine."""

from pathlib import Path

import numpy as np

from flow.classifier import Images, Logits, check_images
from flow.engines.base import Report, Trace
from hw.accelerator import Accelerator
from hw.verilator.simulation import Simulation, SimulationResult

__all__ = ["RtlsimEngine"]


class RtlsimEngine:
    """The verilated accelerator, cycle by cycle."""

    name = "rtlsim"

    def __init__(
        self,
        accelerator: Accelerator,
        *,
        build_dir: Path | str,
        report: Report | None = None,
        processes: int = 1,
    ) -> None:
        self.accelerator, self.build_dir, self.report = accelerator, Path(build_dir), report
        self.processes = processes
        manifest = accelerator.manifest
        self.input_shape, self.classes = manifest.input.shape, manifest.output.shape[0]

    def logits(self, images: Images) -> Logits:
        """Return int32[N, K]; see Classifier."""
        return self.simulate(images).logits

    def simulate(self, images: Images) -> SimulationResult:
        """Return the logits with the timing of each image; errors as `logits`."""
        check_images(images, self.input_shape)

        def progress(done: int) -> None:
            if self.report:
                self.report(done, len(images))

        simulation = Simulation(
            self.accelerator,
            build_dir=self.build_dir,
            progress=progress,
            processes=self.processes,
        )
        return simulation.run(images)

    def trace(self, image: Images) -> Trace:
        """Return the logits only: inner streams are not observed."""
        return [("logits", self.simulate(image).logits.astype(np.int64))]
