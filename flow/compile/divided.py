# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Images through the RTL of an accelerator, chunks of them at a time, on a cluster."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from flow.classifier import Images
from flow.cluster import Cluster, Work
from flow.compile.result_folder import in_cache
from hw.accelerator import Accelerator
from hw.verilator.simulation import Simulation, SimulationResult, joined

__all__ = ["divided_simulation"]

_CHUNK = 32  # images of a task: each fills the pipeline anew, so that timing needs some

_Chunk = tuple[int, int]  # first image and the one behind the last


@dataclass(frozen=True, kw_only=True)
class _Shared:
    files: Mapping[str, bytes]  # of the accelerator's folder, by their places in it
    images: Images


@dataclass(frozen=True, kw_only=True)
class _Prepared:
    accelerator: Accelerator
    images: Images
    folder: TemporaryDirectory[str]  # goes when the worker has other work


def divided_simulation(
    cluster: Cluster, accelerator: Accelerator, images: Images
) -> SimulationResult:
    """Return the logits of images uint8[N, H, W, C], N at least 1, and the timing of each.

    A worker gets the accelerator's files and compiles the simulation once, in its own cache. Each
    chunk has a reset of its own; `wall_s` is the sum over all of them.

    Raises:
        FlowError: no worker computes the same.
        HardwareError: the simulation stalls, naming the stream.
    """
    work: Work[_Chunk, SimulationResult] = Work(
        name="rtlsim",
        version=1,
        do=_simulated,
        shared=_Shared(files=_files(accelerator.folder), images=images),
        prepare=_unpacked,
        identity=(accelerator.manifest.checksum, images),
        unit="frames",
    )
    count = len(images)
    chunks = [(start, min(start + _CHUNK, count)) for start in range(0, count, _CHUNK)]
    found = list(cluster.map(work, chunks, total=count, title="RTL simulation", count=_length))
    return joined(found, wall_s=sum(one.wall_s for one in found))


def _length(chunk: _Chunk) -> int:
    return chunk[1] - chunk[0]


def _files(folder: Path) -> dict[str, bytes]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def _unpacked(shared: _Shared) -> _Prepared:
    folder = TemporaryDirectory(prefix="steelflow-rtlsim-")
    for name, content in shared.files.items():
        path = Path(folder.name, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    accelerator = Accelerator.load(folder.name)
    return _Prepared(accelerator=accelerator, images=shared.images, folder=folder)


def _simulated(prepared: _Prepared, chunk: _Chunk) -> SimulationResult:
    with in_cache("verilator") as build_dir:
        simulation = Simulation(prepared.accelerator, build_dir=build_dir)
        return simulation.run(prepared.images[slice(*chunk)])
