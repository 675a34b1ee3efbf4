# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""`steelflow bench training`: adversarial steps of our trainer beside plain Brevitas steps."""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from flow.bench.benchmark import Benchmark, check_models
from flow.bench.training_cases import CASES, Case
from flow.errors import SettingError
from flow.tables import Row

__all__ = ["TRAINING"]


@dataclass(frozen=True)
class TrainingBenchmark(Benchmark):
    """One row a network and device; both kinds of steps take turns on the same images."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Declare the networks, the attack's steps, the time for each row and the images."""
        names = [case.name for case in CASES]
        parser.add_argument(
            "--models",
            nargs="+",
            metavar="NAME",
            default=names,
            help=f"(default: {' '.join(names)})",
        )
        parser.add_argument(
            "--steps",
            type=int,
            metavar="K",
            default=7,
            help="of the PGD that training runs (default: 7)",
        )
        parser.add_argument(
            "--seconds",
            type=float,
            metavar="S",
            default=20.0,
            help="to measure one row, at least (default: 20)",
        )
        parser.add_argument(
            "--data", type=Path, metavar="DIR", help="folder of data sets (default: random images)"
        )

    def rows(self, options: argparse.Namespace) -> Iterator[Row]:
        """Measure one network after the other, on the CPU and on a GPU where there is one."""
        cases = _chosen(options)
        from flow.bench.training_steps import devices, measure  # noqa: PLC0415 - imports torch

        for case in cases:
            for device in devices():
                yield measure(case, device, options.steps, options.seconds, options.data)


def _chosen(options: argparse.Namespace) -> list[Case]:
    """Return the cases that the options ask for; FlowError for an unknown or unusable one."""
    known = {case.name: case for case in CASES}
    check_models(options.models, known)
    if options.steps < 1:
        raise SettingError(f"steps {options.steps}: give at least 1", "steps")
    if not 0 < options.seconds < float("inf"):
        raise SettingError(f"seconds {options.seconds}: give a positive number", "seconds")
    return [known[name] for name in options.models]


TRAINING = TrainingBenchmark(
    name="training",
    help="compare the trainer's adversarial steps with plain Brevitas training steps",
)
