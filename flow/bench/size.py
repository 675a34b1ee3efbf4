# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""`steelflow bench size`: how time and memory of every stage grow with the network."""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

from flow.bench.benchmark import Benchmark
from flow.errors import SettingError
from flow.tables import Row

__all__ = ["SIZE"]

_NETWORKS = ("resnet8", "resnet18", "resnet50", "mobilenet")
_LEAST_PIXELS = 32  # images are halved five times
# In order; what each does is in flow.bench.size_stages.
_LAST = "write, lower, engine, qonnx, fold, generate, stitch, prove, build, frame or size"


@dataclass(frozen=True)
class SizeBenchmark(Benchmark):
    """One row a stage of a network at a size, each network in a process of its own."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Declare networks, sizes, the rate and where to end."""
        parser.add_argument(
            "--networks", nargs="+", metavar="NAME", choices=_NETWORKS, default=list(_NETWORKS),
            help=f"of {', '.join(_NETWORKS)} (default: all)",
        )  # fmt: skip
        parser.add_argument(
            "--pixels", nargs="+", type=int, metavar="N", default=[32, 64, 128, 224],
            help="heights and widths of the images (default: 32 64 128 224)",
        )  # fmt: skip
        parser.add_argument(
            "--fps", type=float, default=20.0, help="frames/s on an Alveo U250 (default: 20)"
        )
        parser.add_argument(
            "--last", default="prove", metavar="STAGE", help=f"{_LAST} (default: prove)"
        )

    def rows(self, options: argparse.Namespace) -> Iterator[Row]:
        """Run the stages of one network after the other."""
        from flow.bench.size_stages import STAGES, stage_rows  # noqa: PLC0415 - imports FINN

        if options.last not in STAGES:
            raise SettingError(f"last {options.last}: is no stage; give {_LAST}", "last")
        if min(options.pixels) < _LEAST_PIXELS:
            raise SettingError(
                f"pixels {min(options.pixels)}: give at least {_LEAST_PIXELS}", "pixels"
            )
        if options.fps <= 0:
            raise SettingError(f"fps {options.fps:g}: give more than 0", "fps")
        for network in options.networks:
            for pixels in options.pixels:
                yield from stage_rows(network, pixels, options.fps, options.last)


SIZE = SizeBenchmark(
    name="size", help="measure how time and memory of each stage grow with network and image"
)
