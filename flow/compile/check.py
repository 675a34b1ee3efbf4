# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""An accelerator's RTL, image by image, against the integer network that it was compiled from."""

import math
import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from flow.classifier import Images
from flow.engines.cached import CachedEngine
from flow.engines.integer import IntegerEngine
from flow.engines.rtlsim import RtlsimEngine
from flow.engines.verification import Agreement, compare_logits
from flow.errors import FlowError
from flow.integer import IntegerNetwork
from flow.progress import meter
from hw.accelerator import Accelerator
from hw.verilator.simulation import SimulationResult

__all__ = ["RtlRun", "check_in_rtl", "compared", "run_rtl"]

_IMAGES_A_PROCESS = 8  # fewer, and filling each process's pipeline costs what it gains


@dataclass(frozen=True, kw_only=True)
class RtlRun:
    """Images that went through the RTL, and how fast.

    Attributes:
        accelerator: which one.
        simulated: the logits (or labels) and the timing of each image.
        agreement: with the network, if they were compared.
    """

    accelerator: Accelerator
    simulated: SimulationResult
    agreement: Agreement | None = None

    @property
    def images(self) -> int:
        """How many."""
        return len(self.simulated.logits)

    @property
    def cycles_per_frame(self) -> float:
        """As simulated; for a single image as measured when the FIFOs were sized."""
        interval = self.simulated.initiation_interval_cycles
        sized = self.accelerator.manifest.cycles_measured
        return sized if math.isnan(interval) and sized is not None else interval

    @property
    def frames_per_second(self) -> float:
        """At the manifest's clock."""
        return self.accelerator.manifest.frames_per_second(self.cycles_per_frame)


def run_rtl(
    accelerator: Accelerator,
    images: Images,
    *,
    build_dir: Path | str,
    processes: int | None = None,
) -> RtlRun:
    """Simulate images uint8[N, H, W, C], N at least 1, with a progress bar.

    Args:
        accelerator: what is simulated.
        images: what goes in.
        build_dir: where compiled simulations are kept, by digest.
        processes: among which the images are divided; by default as many as pay on this machine.

    Raises:
        FlowError: images of another shape.
        HardwareError: no image; the simulation stalls, naming the stream.
    """
    return _simulated(_engine(accelerator, images, Path(build_dir), processes), images)


def _engine(
    accelerator: Accelerator, images: Images, build_dir: Path, processes: int | None
) -> RtlsimEngine:
    paying = min(os.cpu_count() or 1, max(1, len(images) // _IMAGES_A_PROCESS))
    return RtlsimEngine(
        accelerator, build_dir=build_dir, processes=paying if processes is None else processes
    )


def _simulated(engine: RtlsimEngine, images: Images) -> RtlRun:
    with meter("RTL simulation", unit="frames") as engine.report:
        simulated = engine.simulate(images)
    engine.report = None
    return RtlRun(accelerator=engine.accelerator, simulated=simulated)


def check_in_rtl(
    accelerator: Accelerator,
    network: IntegerNetwork,
    images: Images,
    *,
    build_dir: Path | str,
    processes: int | None = None,
) -> RtlRun:
    """Simulate as run_rtl does, and compare with the network; a difference is an error.

    Raises:
        FlowError: naming the first image that differs.
        HardwareError: the simulation stalls, naming the stream.
    """
    engine = _engine(accelerator, images, Path(build_dir), processes)
    return compared(_simulated(engine, images), network, images, engine)


def compared(run: RtlRun, network: IntegerNetwork, images: Images, engine: RtlsimEngine) -> RtlRun:
    """Return the run with its agreement with the network; a difference is an error.

    Args:
        run: of the images.
        network: what they should give.
        images: uint8[N, H, W, C].
        engine: of the accelerator; asked again where a difference is to be explained.

    Raises:
        FlowError: naming the first image that differs.
    """
    if run.accelerator.manifest.output.kind == "label":
        agreement = _compare_labels(network, images, run.simulated)
    else:
        known = CachedEngine(engine, images, run.simulated.logits)
        agreement = compare_logits(IntegerEngine(network), known, images)
    return replace(run, agreement=agreement)


def _compare_labels(
    network: IntegerNetwork, images: Images, simulated: SimulationResult
) -> Agreement:
    expected = network.labels(network.logits(images))
    found = simulated.logits[:, 0]
    wrong = np.flatnonzero(expected != found)
    if len(wrong):
        first = int(wrong[0])
        raise FlowError(
            f"integer and rtlsim differ in the label of {len(wrong)} of {len(images)} images, "
            f"first of image {first}: {expected[first]} and {found[first]}; report this network"
        )
    return Agreement(images=len(images), labels_differ=0, logits_differ=0)
