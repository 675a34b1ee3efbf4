# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""`steelflow bench hw`: zoo models from QONNX to verified RTL, with speed and resources."""

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from flow.bench.benchmark import Benchmark, add_data, add_models, check_models
from flow.errors import SettingError
from flow.tables import Row

__all__ = ["HARDWARE"]

_DEFAULT = (
    "mnist-tfc-w1a1",
    "mnist-tfc-w1a2",
    "mnist-tfc-w2a2",
    "cifar10-cnv-w1a1",
    "cifar10-cnv-w2a2",
    "cifar10-cnv-w4a4",
    "cifar10-resnet8-w4a4",
    "cifar10-mobilenet-w4a4",
)
_IMAGES = {"mnist-tfc-w2a2": 10_000}  # of one network all


@dataclass(frozen=True)
class HardwareBenchmark(Benchmark):
    """One row a model."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Declare the models, the number of images and the folders."""
        add_models(parser, _DEFAULT, "zoo models")
        parser.add_argument(
            "--images",
            type=int,
            metavar="N",
            help="test images through the RTL (default: each model's own, 8 to 10,000)",
        )
        add_data(parser)

    def rows(self, options: argparse.Namespace) -> Iterator[Row]:
        """Compile, simulate and synthesise one model after the other."""
        from brevitas_models.pretrained import trained  # noqa: PLC0415 - imports torch
        from flow.zoo.entries import entry  # noqa: PLC0415 - too
        from flow.zoo.hardware_figures import benchmark_row  # noqa: PLC0415 - imports FINN

        check_models(options.models, trained())
        if options.images is not None and options.images < 1:
            raise SettingError(f"images {options.images}: give at least 1", "images")
        for name in options.models:
            target = entry(name).target
            count = options.images or _IMAGES.get(name, target.images)
            with tempfile.TemporaryDirectory(prefix="steelflow-bench-") as scratch:
                yield benchmark_row(name, target, count, options.data, Path(scratch))


HARDWARE = HardwareBenchmark(
    name="hw",
    help="compile models to RTL, check every logit in simulation, and count what they cost",
)
