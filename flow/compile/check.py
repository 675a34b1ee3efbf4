# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""An accelerator's RTL against the integer network that it was compiled from, image by image."""

import math
import os
from dataclasses import dataclass
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

__all__ = ["RtlCheck", "check_in_rtl"]

_IMAGES_A_PROCESS = 8  # fewer, and filling each process's pipeline costs what it gains


@dataclass(frozen=True, kw_only=True)
class RtlCheck:
    """Images that went through the RTL without a difference, and how fast.

    Attributes:
        accelerator: which one.
        agreement: with the integer network.
        simulated: the logits (or labels) and the timing of each image.
    """

    accelerator: Accelerator
    agreement: Agreement
    simulated: SimulationResult

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


def check_in_rtl(
    accelerator: Accelerator,
    network: IntegerNetwork,
    images: Images,
    *,
    build_dir: Path | str,
    processes: int | None = None,
) -> RtlCheck:
    """Compare the RTL's logits (or labels) with the integer network's; a difference is an error.

    Args:
        accelerator: compiled from the network.
        network: the integers that define the result.
        images: uint8[N, H, W, C], N at least 1.
        build_dir: where compiled simulations are kept, by digest.
        processes: among which the images are divided; by default as many as pay on this machine.

    Raises:
        FlowError: naming the first image that differs.
        HardwareError: the simulation stalls, naming the stream.
    """
    paying = min(os.cpu_count() or 1, max(1, len(images) // _IMAGES_A_PROCESS))
    with meter("RTL simulation", unit="frames") as report:
        engine = RtlsimEngine(
            accelerator,
            build_dir=Path(build_dir),
            report=report,
            processes=paying if processes is None else processes,
        )
        simulated = engine.simulate(images)
    if accelerator.manifest.output.kind == "logits":
        known = CachedEngine(engine, images, simulated.logits)
        agreement = compare_logits(IntegerEngine(network), known, images)
    else:
        agreement = _compare_labels(network, images, simulated)
    return RtlCheck(accelerator=accelerator, agreement=agreement, simulated=simulated)


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
