# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Images from a file through the RTL of an accelerator folder."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from flow.certify.counterexamples import read_counterexamples
from flow.classifier import Images
from flow.cluster import Cluster
from flow.compile.check import RtlRun, check_in_rtl, compared, run_rtl
from flow.compile.divided import divided_simulation
from flow.compile.opening import OpenedAccelerator, open_accelerator
from flow.compile.result_folder import in_cache
from flow.engines.rtlsim import RtlsimEngine
from flow.engines.simulation import as_pixels, read_images, write_logits
from flow.errors import FlowError
from flow.integer.digest import network_digest
from flow.storage.files import check_place

__all__ = ["Replay", "replay_counterexamples", "simulate_folder"]


@dataclass(frozen=True)
class Replay:
    """Counterexamples that the RTL got wrong, as it should: how many of how many."""

    run: RtlRun
    held: int


def simulate_folder(
    folder: Path | str,
    images: Path | str,
    output: Path | str | None = None,
    *,
    cluster: Cluster | None = None,
) -> RtlRun:
    """Simulate an accelerator, and compare with its network where that lies beside it.

    Args:
        folder: as for open_accelerator.
        images: .npy of images, as for simulate.
        output: .npy file that gets the integer logits int32[N, K], or the labels int32[N, 1].
        cluster: who simulates; None: this machine's cores, without any worker process.

    Raises:
        FlowError: a file that cannot be used, or logits that differ from the network's.
        HardwareError: a damaged accelerator, or a simulation that stalls.
    """
    target = None if output is None else Path(output)
    check_place(target, "output")
    opened = open_accelerator(folder)
    given = opened.accelerator.manifest.input
    pixels = as_pixels(read_images(images), given.shape, given.preprocessing)
    if not len(pixels):
        raise FlowError(f"{images}: holds no images; give at least one")
    run = _run(opened, pixels, cluster)
    if target is not None:
        write_logits(target, run.simulated.logits)
    return run


def replay_counterexamples(
    folder: Path | str, certificates: Path, *, most: int, cluster: Cluster | None = None
) -> Replay:
    """Show an accelerator counterexamples of its network, which it must get wrong, too.

    Args:
        folder: as for open_accelerator.
        certificates: as `certify --output` has written them.
        most: images, evenly spread over those of the file.
        cluster: see simulate_folder.

    Raises:
        FlowError: a file that cannot be used, certificates of another network, logits that differ
            from the network's, or an image that the RTL gets right.
        HardwareError: a damaged accelerator, or a simulation that stalls.
    """
    found, opened = read_counterexamples(certificates, most), open_accelerator(folder)
    if opened.network is not None and network_digest(opened.network) != found.network_sha256:
        raise FlowError(f"{certificates}: is of another network than {folder}; certify that one")
    given = opened.accelerator.manifest.input
    run = _run(opened, as_pixels(found.images, given.shape, given.preprocessing), cluster)
    logits = run.simulated.logits
    labels = logits.argmax(axis=1) if logits.shape[1] > 1 else logits[:, 0]
    right = np.flatnonzero(labels == found.labels)
    if len(right):
        raise FlowError(
            f"{certificates}: the RTL gives test image {found.indices[right[0]]} its label, and "
            f"its counterexample should have another ({len(right)} of {run.images} images)"
        )
    return Replay(run, found.held)


def _run(opened: OpenedAccelerator, pixels: Images, cluster: Cluster | None) -> RtlRun:
    accelerator, network = opened.accelerator, opened.network
    with in_cache("verilator") as build_dir:
        if cluster is not None:
            simulated = divided_simulation(cluster, accelerator, pixels)
            run = RtlRun(accelerator=accelerator, simulated=simulated)
            engine = RtlsimEngine(accelerator, build_dir=build_dir)
            return run if network is None else compared(run, network, pixels, engine)
        if network is None:
            return run_rtl(accelerator, pixels, build_dir=build_dir)
        return check_in_rtl(accelerator, network, pixels, build_dir=build_dir)
