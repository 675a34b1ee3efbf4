# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Whole networks as kernels on the virtual board: what `steelflow bench kernel` measures."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from brevitas_models.pretrained import load
from flow.classifier import Images
from flow.compile import compile_config, compile_network
from flow.compile.opening import open_accelerator
from flow.config import DataConfig
from flow.data.datasets import load_dataset
from flow.engines.board import virtual_board
from flow.errors import FlowError
from flow.export.qonnx import export_qonnx_model
from flow.integer import IntegerNetwork
from flow.lowering import lower, read_model
from flow.progress import meter
from flow.tables import Row
from flow.zoo import networks as zoo
from flow.zoo.entries import entry
from hw.accelerator import Accelerator
from hw.runner.backends.virtual import Memory
from hw.shell.settings import KernelSettings

__all__ = ["Port", "Subject", "from_folder", "from_zoo", "kernel_row"]

_BATCH = 1000  # images of a run of the kernel


class Subject(NamedTuple):
    """A network, its accelerator and the test images, uint8[N, H, W, C]."""

    name: str
    network: IntegerNetwork
    accelerator: Accelerator
    test_images: Images


@dataclass(frozen=True, kw_only=True)
class Port:
    """The kernel's memory: width in bits, least and most latency in cycles."""

    data_bits: int
    latency_cycles: tuple[int, int]

    def memory(self) -> Memory:
        """Return its model."""
        least, most = self.latency_cycles
        return Memory(latency_cycles=least, jitter_cycles=most - least)


def from_folder(folder: Path, source: str, data: Path | None) -> Subject:
    """Open what was compiled before; its test images are those of a data set.

    Raises:
        FlowError: no accelerator, no network beside it, or images of another shape.
    """
    opened = open_accelerator(folder)
    if opened.network is None:
        raise FlowError(
            f"{folder}: has no network beside its accelerator; name the folder that compile wrote"
        )
    images = load_dataset(DataConfig.model_validate({"source": source}), data).test_images
    if images.shape[1:] != opened.network.input_shape:
        raise FlowError(
            f"{folder}: takes images of {opened.network.input_shape}, not the "
            f"{images.shape[1:]} of {source}; name its data set with --source"
        )
    return Subject(opened.accelerator.manifest.name, opened.network, opened.accelerator, images)


def from_zoo(name: str, data: Path | None, folder: Path, programs: Path) -> Subject:
    """Compile a shipped network for its target.

    Raises:
        FlowError, HardwareError: as flow.compile.compile_network.
    """
    target = entry(name).target
    export_qonnx_model(load(name), folder / "model.onnx")
    network = lower(read_model(folder / "model.onnx")).network
    compiled = compile_network(
        network,
        compile_config(part=target.part, clock_mhz=target.clock_mhz, fps=target.frames_per_second),
        folder,
        name=name.replace("-", "_"),
        scratch=folder / "work",
        build_dir=programs,
    )
    return Subject(name, network, compiled.accelerator, zoo.dataset(name, data).test_images)


def kernel_row(subject: Subject, count: int, port: Port, folder: Path, programs: Path) -> Row:
    """Send `count` images through the kernel and compare every logit with the integers.

    Args:
        subject: what is measured.
        count: of images, at least 3; at most half of them are test images, the others noise.
        port: of the kernel to memory.
        folder: where the kernel is written.
        programs: where compiled programs are kept.
    """
    tests = min(count // 2, len(subject.test_images))
    runs: list[tuple[int, int]] = []  # images and cycles
    wrong = 0
    engine = virtual_board(
        subject.accelerator,
        folder=folder / "kernel",
        build_dir=programs,
        settings=KernelSettings(data_bits=port.data_bits),
        memory=port.memory(),
    )
    with engine, meter(f"{subject.name} on the virtual board", unit="images") as report:
        for images in _batches(subject.test_images[:tests], count - tests):
            expected, before = subject.network.logits(images), engine.figures.cycles
            wrong += int((engine.logits(images) != expected).sum())
            runs.append((len(images), engine.figures.cycles - before))
            report(engine.figures.queries, count)
        figures = engine.figures
    manifest = subject.accelerator.manifest
    alone = manifest.cycles_measured or float(manifest.cycles_per_frame_predicted)
    interval = _interval(runs)
    return {
        "network": subject.name,
        "port_bits": port.data_bits,
        "latency": "{} to {}".format(*port.latency_cycles),
        "images": figures.queries,
        "of_noise": count - tests,
        "logits_differ": wrong,
        "cycles_per_image": round(figures.cycles / figures.queries, 1),
        "interval_cycles": round(interval, 1),
        "accelerator_cycles": alone,
        "more_percent": round(100 * (interval / alone - 1), 3),
        "sim_cycles_per_s": figures.cycles / figures.seconds,
    }


def _batches(tests: Images, noise: int) -> Iterator[Images]:
    """Yield one image, then all others: test images, then noise, uint8 of all values alike."""
    random = np.random.default_rng(0).integers(0, 256, (noise, *tests.shape[1:]), dtype=np.uint8)
    images = np.concatenate([tests, random])
    yield images[:1]
    for start in range(1, len(images), _BATCH):
        yield images[start : start + _BATCH]


def _interval(runs: Sequence[tuple[int, int]]) -> float:
    """Return the cycles that an image adds to a run: fill and drain are those of the first run."""
    (first, fill), (images, cycles) = runs[0], max(runs[1:])
    return (cycles - fill) / (images - first)
