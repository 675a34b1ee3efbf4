# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""`steelflow bench board`: what a board's server adds to the engine behind it."""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

from flow.bench.benchmark import Benchmark, add_data, add_models, check_models
from flow.errors import SettingError
from flow.tables import Row

__all__ = ["BOARD"]

_MODELS = ("mnist-lenet-w4a4-dq",)


@dataclass(frozen=True)
class BoardBenchmark(Benchmark):
    """One row a network: rates and times of engine and server in turn, then many clients."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Declare networks, times and clients."""
        add_models(parser, _MODELS, "zoo models, on the native engine")
        parser.add_argument(
            "--seconds",
            type=float,
            default=10.0,
            help="of each measurement, for engine and server each (default: 10)",
        )
        parser.add_argument(
            "--clients", type=int, default=64, metavar="N", help="at once (default: 64)"
        )
        parser.add_argument(
            "--minutes",
            type=float,
            default=10.0,
            help="for which all clients ask, each answer checked (default: 10)",
        )
        add_data(parser)

    def rows(self, options: argparse.Namespace) -> Iterator[Row]:
        """Serve each network from a process of its own, on loopback, and ask."""
        from brevitas_models.pretrained import trained  # noqa: PLC0415 - imports torch
        from flow.bench.board_figures import server_row  # noqa: PLC0415

        check_models(options.models, trained())
        for key in ("seconds", "minutes", "clients"):
            if getattr(options, key) <= 0:
                raise SettingError(f"{key} {getattr(options, key):g}: give more than 0", key)
        for name in options.models:
            yield server_row(
                name,
                options.data,
                seconds=options.seconds,
                clients=options.clients,
                soak_s=60 * options.minutes,
            )


BOARD = BoardBenchmark(
    name="board", help="a board's server beside the engine behind it, and under many clients"
)
