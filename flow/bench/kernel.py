# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""`steelflow bench kernel`: whole networks on the virtual board, against the integers."""

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from flow.bench.benchmark import Benchmark, add_data, add_models, check_models
from flow.environment import cache_folder
from flow.errors import SettingError
from flow.tables import Row

__all__ = ["KERNEL"]

_MODELS = ("mnist-tfc-w1a1",)
_IMAGES = 1000


@dataclass(frozen=True)
class KernelBenchmark(Benchmark):
    """One row a network: logits that differ, and the kernel's cycles beside the accelerator's."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Declare networks, images and the memory."""
        add_models(parser, _MODELS, "zoo models, compiled for their targets", nargs="*")
        parser.add_argument(
            "--folders",
            nargs="*",
            type=Path,
            metavar="DIR",
            default=[],
            help="what compile or run has written",
        )
        parser.add_argument(
            "--source",
            default="digits",
            help="data set of the folders' networks (default: digits)",
        )
        parser.add_argument(
            "--images",
            type=int,
            default=_IMAGES,
            metavar="N",
            help="of each network: at most half from its test set, the others noise "
            f"(default: {_IMAGES})",
        )
        parser.add_argument(
            "--bits", type=int, default=64, help="width of the memory port (default: 64)"
        )
        parser.add_argument(
            "--latency",
            nargs=2,
            type=int,
            default=[40, 200],
            metavar=("LEAST", "MOST"),
            help="cycles from an address to its data (default: 40 200)",
        )
        add_data(parser)

    def rows(self, options: argparse.Namespace) -> Iterator[Row]:
        """Compile what is to be compiled and send the images through."""
        from brevitas_models.pretrained import trained  # noqa: PLC0415 - imports torch
        from flow.bench import kernel_figures as figures  # noqa: PLC0415 - imports FINN

        check_models(options.models, trained())
        if options.images < 3:
            raise SettingError(
                f"images {options.images}: give at least 3, for the cycles of one more", "images"
            )
        least, most = options.latency
        if not 0 <= least <= most:
            raise SettingError(
                f"latency {least} {most}: is no range; give two numbers from 0, the smaller first",
                "latency",
            )
        port = figures.Port(data_bits=options.bits, latency_cycles=(least, most))
        programs = cache_folder() / "verilator"
        for folder in options.folders:
            subject = figures.from_folder(folder, options.source, options.data)
            with tempfile.TemporaryDirectory(prefix="steelflow-bench-") as scratch:
                yield figures.kernel_row(subject, options.images, port, Path(scratch), programs)
        for name in options.models:
            with tempfile.TemporaryDirectory(prefix="steelflow-bench-") as scratch:
                subject = figures.from_zoo(name, options.data, Path(scratch), programs)
                yield figures.kernel_row(subject, options.images, port, Path(scratch), programs)


KERNEL = KernelBenchmark(
    name="kernel",
    help="run networks on the virtual board, compare every logit, and count the kernel's cycles",
)
