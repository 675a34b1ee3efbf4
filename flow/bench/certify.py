# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""`steelflow bench certify`: images decided a second, by tier, beside a constraint solver."""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

from flow.bench.benchmark import Benchmark, add_data, add_models
from flow.errors import SettingError
from flow.tables import Row

__all__ = ["CERTIFY"]


@dataclass(frozen=True)
class CertifyBenchmark(Benchmark):
    """One row a network and method; all of them see the same images on one thread."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Declare the networks, the ball, the images and what each image may cost."""
        add_models(
            parser,
            ["mnist-tfc-w2a2-robust"],
            "zoo networks; CP-SAT decides perceptrons alone",
        )
        parser.add_argument(
            "--epsilon", type=int, default=26, metavar="E", help="uint8 units (default: 26)"
        )
        parser.add_argument(
            "--images", type=int, default=20, metavar="N", help="first test images (default: 20)"
        )
        parser.add_argument(
            "--nodes",
            type=int,
            default=200_000,
            metavar="N",
            help="boxes of our search for an image (default: 200,000)",
        )
        parser.add_argument(
            "--rival-s",
            type=float,
            default=60.0,
            metavar="S",
            help="of CP-SAT for an image, 0 to leave it out (default: 60)",
        )
        add_data(parser)

    def rows(self, options: argparse.Namespace) -> Iterator[Row]:
        """Measure each method on each network."""
        for key in ("images", "nodes"):
            if getattr(options, key) < 1:
                raise SettingError(f"{key} {getattr(options, key)}: give at least 1", key)
        from flow.bench.certify_figures import measured  # noqa: PLC0415 - imports torch

        yield from measured(options)


CERTIFY = CertifyBenchmark(
    name="certify", help="count the images decided a second, by tier, and by a constraint solver"
)
