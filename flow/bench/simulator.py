# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""`steelflow bench simulator`: the exact engines beside what people use today."""

import argparse
import os
from collections.abc import Iterator
from dataclasses import dataclass

from flow.bench.benchmark import Benchmark, add_data
from flow.bench.simulator_cases import CASES, chosen
from flow.tables import Row

__all__ = ["SIMULATOR"]

_MODELS = tuple(dict.fromkeys(case.model for case in CASES))


@dataclass(frozen=True)
class SimulatorBenchmark(Benchmark):
    """One row a comparison; ours and the rival take turns on the same images."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Declare the models, the rivals, the threads and the time for each comparison."""
        rivals = tuple(dict.fromkeys(case.rival for case in CASES))
        for option, names in (("--models", _MODELS), ("--rivals", rivals)):
            parser.add_argument(
                option,
                nargs="+",
                metavar="NAME",
                default=list(names),
                help=f"(default: {' '.join(names)})",
            )
        parser.add_argument(
            "--threads",
            type=int,
            metavar="N",
            default=min(2, len(os.sched_getaffinity(0))),
            help="of ours and of every rival (default: 2)",
        )
        parser.add_argument(
            "--seconds",
            type=float,
            metavar="S",
            default=6.0,
            help="to measure one comparison, at least (default: 6)",
        )
        parser.add_argument(
            "--isa",
            metavar="NAME",
            help="hold ours and every rival, in a process of their own, to the instructions of a "
            "lesser processor: portable (SSE4.2) or avx2 (default: all that this one has)",
        )
        add_data(parser)

    def rows(self, options: argparse.Namespace) -> Iterator[Row]:
        """Measure one comparison after the other, model by model."""
        cases = chosen(options)
        if options.isa is not None:
            from flow.bench.simulator_process import held_rows  # noqa: PLC0415 - imports torch

            yield from held_rows(options)
            return
        from flow.bench.simulator_figures import measured  # noqa: PLC0415 - imports torch

        yield from measured(cases, options)


SIMULATOR = SimulatorBenchmark(
    name="simulator",
    help="compare the exact engines' speed with qonnx, Brevitas, float torch and onnxruntime",
)
