# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""`steelflow bench hw`: zoo models from QONNX to verified RTL, with speed and resources."""

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from flow.bench.base import Benchmark, Row
from flow.environment import data_folder
from flow.errors import FlowError

__all__ = ["HARDWARE", "TARGETS", "Target"]


@dataclass(frozen=True, kw_only=True)
class Target:
    """What a zoo model is folded for, and how many test images its RTL sees by default."""

    frames_per_second: float
    images: int
    part: str = "xc7z020clg400-1"
    clock_mhz: float = 100.0


_MLP = Target(frames_per_second=100_000, images=1000)
_VGG = Target(frames_per_second=1000, images=8)
TARGETS = {
    "mnist-tfc-w1a1": _MLP,
    "mnist-tfc-w1a2": _MLP,
    "mnist-tfc-w2a2": Target(frames_per_second=100_000, images=10_000),
    "cifar10-cnv-w1a1": _VGG,
    "cifar10-cnv-w2a2": _VGG,
    "cifar10-cnv-w4a4": _VGG,
    "cifar10-resnet8-w4a4": Target(frames_per_second=1000, images=16),
    "cifar10-mobilenet-w4a4": Target(frames_per_second=500, images=16),
}


@dataclass(frozen=True)
class HardwareBenchmark(Benchmark):
    """One row a model."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Declare the models, the number of images and the folders."""
        parser.add_argument(
            "--models",
            nargs="+",
            metavar="NAME",
            default=list(TARGETS),
            help=f"zoo models (default: {' '.join(TARGETS)})",
        )
        parser.add_argument(
            "--images",
            type=int,
            metavar="N",
            help="test images through the RTL (default: each model's own, 8 to 10,000)",
        )
        parser.add_argument(
            "--data", type=Path, metavar="DIR", default=data_folder(), help="folder of data sets"
        )

    def rows(self, options: argparse.Namespace) -> Iterator[Row]:
        """Compile, simulate and synthesise one model after the other."""
        from flow.hardware_figures import measure  # noqa: PLC0415 - imports FINN

        for name in options.models:
            if name not in TARGETS:
                raise FlowError(f"--models {name}: unknown; models are {', '.join(TARGETS)}")
        if options.images is not None and options.images < 1:
            raise FlowError(f"--images {options.images}: give at least 1")
        for name in options.models:
            target = TARGETS[name]
            with tempfile.TemporaryDirectory(prefix="steelflow-bench-") as scratch:
                count = options.images or target.images
                yield measure(name, target, count, options.data, Path(scratch))


HARDWARE = HardwareBenchmark(
    name="hw",
    help="compile models to RTL, check every logit in simulation, and count what they cost",
)
