# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""`steelflow bench certify`: images decided a second, by tier, beside a constraint solver."""

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from flow.bench.benchmark import Benchmark
from flow.certify.verdict import Answer
from flow.classifier import Images, Labels
from flow.environment import data_folder
from flow.errors import SettingError
from flow.tables import Row

if TYPE_CHECKING:
    from flow.certify.tiers import Prover
    from flow.integer import IntegerNetwork

__all__ = ["CERTIFY"]

Decide = Callable[[int, Images, int], Answer]

_SEARCHES = {
    "intervals": {"flips": 0, "nodes": 0},
    "intervals, flips": {"flips": 1000, "nodes": 0},
    "intervals, flips, search": {"flips": 1000},
}


@dataclass(frozen=True)
class CertifyBenchmark(Benchmark):
    """One row a network and method; all of them see the same images on one thread."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Declare the networks, the ball, the images and what each image may cost."""
        parser.add_argument(
            "--models",
            nargs="+",
            metavar="NAME",
            default=["mnist-tfc-w2a2-robust"],
            help="perceptrons of the zoo behind squeezed images (default: mnist-tfc-w2a2-robust)",
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
        parser.add_argument(
            "--data", type=Path, metavar="DIR", default=data_folder(), help="folder of data sets"
        )

    def rows(self, options: argparse.Namespace) -> Iterator[Row]:
        """Measure each method on each network."""
        from brevitas_models.pretrained import load  # noqa: PLC0415 - imports torch
        from flow.data.datasets import first_test_images  # noqa: PLC0415 - keeps --help fast
        from flow.export.deployment import lowered  # noqa: PLC0415 - imports torch
        from flow.zoo.networks import dataset  # noqa: PLC0415 - imports torch

        for key in ("images", "nodes"):
            if getattr(options, key) < 1:
                raise SettingError(f"{key} {getattr(options, key)}: give at least 1", key)
        for name in options.models:
            network = lowered(load(name))
            found = first_test_images(dataset(name, options.data), options.images, "images")
            for method, decide in _methods(network, options).items():
                measured = _row(decide, *found)
                yield {"network": name, "epsilon": options.epsilon, "method": method} | measured


def _methods(network: "IntegerNetwork", options: argparse.Namespace) -> dict[str, Decide]:
    from flow.bench.certify_rivals import solve_exactly  # noqa: PLC0415 - keeps --help fast
    from flow.certify.settings import CertifySettings  # noqa: PLC0415 - too
    from flow.certify.tiers import Prover  # noqa: PLC0415 - too

    methods: dict[str, Decide] = {}
    for name, budget in _SEARCHES.items():
        settings = CertifySettings(
            **{"epsilon_255": options.epsilon, "nodes": options.nodes, "tree_room": 0} | budget
        )
        prover = Prover(network, settings)
        methods[name] = _answers(prover)
    if options.rival_s:
        methods["CP-SAT"] = lambda _, image, label: solve_exactly(
            network, image, label, options.epsilon, options.rival_s
        )[0]
    return methods


def _answers(prover: "Prover") -> Decide:
    return lambda index, image, label: prover.decide(index, image, label).answer


def _row(decide: Decide, images: Images, labels: Labels) -> dict[str, Any]:
    answers, seconds = [], []
    for index, (image, label) in enumerate(zip(images, labels.tolist(), strict=True)):
        started = time.monotonic()
        answers.append(decide(index, image, label))
        seconds.append(time.monotonic() - started)
    decided = len(answers) - answers.count(Answer.UNKNOWN)
    return {
        "images": len(images),
        "robust": answers.count(Answer.ROBUST),
        "adversarial": answers.count(Answer.ADVERSARIAL),
        "median_ms": 1000 * float(np.median(seconds)),
        "seconds": sum(seconds),
        "decided_per_s": decided / sum(seconds),
    }


CERTIFY = CertifyBenchmark(
    name="certify", help="count the images decided a second, by tier, and by a constraint solver"
)
