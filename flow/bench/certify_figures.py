# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""How many images each method decides in which time."""

import argparse
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from brevitas_models.pretrained import load
from flow.bench.certify_rivals import POSED, solve_exactly
from flow.certify.settings import CertifySettings
from flow.certify.tiers import Prover
from flow.certify.verdict import Answer
from flow.classifier import Images, Labels
from flow.data.datasets import first_test_images
from flow.export.deployment import lowered
from flow.integer import IntegerNetwork
from flow.integer.incremental import cell_numbers, cells_of
from flow.tables import Row
from flow.zoo.networks import dataset

__all__ = ["measured"]

Decide = Callable[[int, Images, int], Answer]

_SEARCHES = {
    "intervals": {"slope_bits": 0, "flips": 0, "nodes": 0},
    "intervals, lines": {"flips": 0, "nodes": 0},
    "intervals, flips": {"flips": 1000, "nodes": 0},
    "intervals, flips, search": {"flips": 1000},
}


def measured(options: argparse.Namespace) -> Iterator[Row]:
    """Measure each method on each network; the options are those of the benchmark."""
    for name in options.models:
        network = lowered(load(name))
        found = first_test_images(dataset(name, options.data), options.images, "images")
        for method, decide in _methods(network, options).items():
            row = _free_bits(network, found[0], options.epsilon) | _row(decide, *found)
            yield {"network": name, "epsilon": options.epsilon, "method": method} | row


def _free_bits(network: IntegerNetwork, images: Images, epsilon_255: int) -> dict[str, Any]:
    """Return the median of log2 of how many images of a ball differ to the network."""
    numbers = cell_numbers(network)
    balls = (cells_of(numbers, image, epsilon_255) for image in images)
    return {"free_bits": float(np.median([np.log2(np.diff(one.start)).sum() for one in balls]))}


def _methods(network: IntegerNetwork, options: argparse.Namespace) -> dict[str, Decide]:
    methods: dict[str, Decide] = {}
    for name, budget in _SEARCHES.items():
        settings = CertifySettings(
            **{"epsilon_255": options.epsilon, "nodes": options.nodes, "tree_room": 0} | budget
        )
        prover = Prover(network, settings)
        methods[name] = _answers(prover)
    if options.rival_s and all(isinstance(one, POSED) for one in network.operations):
        methods["CP-SAT"] = lambda _, image, label: solve_exactly(
            network, image, label, options.epsilon, options.rival_s
        )[0]
    return methods


def _answers(prover: Prover) -> Decide:
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
