# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""In which order a twin computes, in which float, and where the values are integers for certain."""

from dataclasses import dataclass

import numpy as np
import torch

from flow.integer.bounds import Interval, exact_float
from flow.integer.graph import IntegerGraph
from flow.integer.operations import IMAGE, Convolution, Dense, MaxPool, Operation, Threshold

__all__ = ["Plan", "Step", "plan_twin"]


@dataclass(frozen=True)
class Step:
    """One operation, what it reads, the range of that, and whether it is surely integers."""

    operation: Operation
    sources: tuple[str, ...]
    values: Interval
    whole: bool


@dataclass(frozen=True)
class Plan:
    """The steps in order, the name of the logits and the float type."""

    steps: tuple[Step, ...]
    output: str
    dtype: torch.dtype


def plan_twin(network: IntegerGraph) -> Plan:
    """Plan the twin: as the network, but a maximum of counts becomes the count of the maximum.

    Counting keeps order, so that both are equal. The pool then sees sums, of which rarely two are
    equal: its gradient goes to the largest sum, not to the first of the windows' equal counts, and
    there is less to count.
    """
    operations, sources = list(network.operations), dict(network.sources)
    ranges = network.ranges()
    for pool in network.operations:
        before = sources[pool.name][0]
        index = next((i for i, op in enumerate(operations) if op.name == before), None)
        if index is None or not isinstance(pool, MaxPool):
            continue
        count = operations[index]
        readers = sum(read.count(before) for read in sources.values())
        if isinstance(count, Threshold) and readers == 1:
            operations.remove(pool)
            operations.insert(index, pool)
            _swap(sources, count.name, pool.name)
            ranges[pool.name] = ranges[sources[pool.name][0]]
    return Plan(_steps(operations, sources, ranges), network.output, _dtype(network))


def _swap(sources: dict[str, tuple[str, ...]], count: str, pool: str) -> None:
    """Let the pool read what the count read, the count the pool, and the others the count."""
    for name, read in sources.items():
        sources[name] = tuple(count if source == pool else source for source in read)
    sources[pool], sources[count] = sources[count], (pool,)


def _steps(
    operations: list[Operation], sources: dict[str, tuple[str, ...]], ranges: dict[str, Interval]
) -> tuple[Step, ...]:
    fractions, steps = {IMAGE}, []
    for operation in operations:
        read = sources[operation.name]
        whole = fractions.isdisjoint(read)
        if not whole and not isinstance(operation, Threshold):
            fractions.add(operation.name)
        steps.append(Step(operation, read, ranges[read[0]], whole))
    return tuple(steps)


def _dtype(network: IntegerGraph) -> torch.dtype:
    """Return the float that holds every partial sum; partial sums of products included."""
    ranges = network.ranges()
    largest = max(interval.magnitude() for interval in ranges.values())
    for operation in network.operations:
        if isinstance(operation, Convolution | Dense):
            sums = np.abs(operation.weights).reshape(-1, operation.weights.shape[-1]).sum(axis=0)
            read = ranges[network.sources[operation.name][0]]
            largest = max(largest, int(sums.max()) * read.magnitude())
        if isinstance(operation, Threshold):
            largest = max(largest, int(np.abs(operation.thresholds).max()))
    return torch.float32 if exact_float(largest) is np.float32 else torch.float64
