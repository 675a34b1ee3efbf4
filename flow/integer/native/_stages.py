# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A network as stages: an operation with the bias and the thresholds that alone follow it."""

from collections.abc import Iterator
from dataclasses import dataclass

from flow.integer.graph import IntegerGraph
from flow.integer.operations import (
    IMAGE,
    Add,
    Bias,
    Convolution,
    Dense,
    Flatten,
    Integers,
    Operation,
    Threshold,
)

__all__ = ["Stage", "stages_of"]

_TAKES_BIAS = (Convolution, Dense, Add, Bias)


@dataclass(frozen=True, kw_only=True)
class Stage:
    """What one pass of the engine computes: `head`, then a bias, then thresholds.

    Attributes:
        name: of the last operation inside; that of its output.
        sums: of the operation whose output the thresholds see.
        head: a Bias or a Threshold that nothing precedes is a copy.
        reads: names of the values that it reads; a Flatten is no stage but another view.
    """

    name: str
    sums: str
    head: Operation
    reads: tuple[str, ...]
    bias: Integers | None
    threshold: Threshold | None

    @property
    def is_copy(self) -> bool:
        """Whether the head only reads."""
        return isinstance(self.head, Bias | Threshold | Flatten)


def stages_of(network: IntegerGraph) -> list[Stage]:
    """Group a network's operations into stages, in order.

    Raises:
        FlowError: an operation has no meaning that kernels could compute.
    """
    stages: list[Stage] = []
    taken: set[str] = set()
    for operation in network.operations:
        if operation.name in taken:
            continue
        if not isinstance(operation, Flatten) or operation.name == network.output:
            stages.append(_stage(network, operation, taken))
    return _needed(network, stages)


def _needed(network: IntegerGraph, stages: list[Stage]) -> list[Stage]:
    """Return the stages that the output depends on: the last of them computes it."""
    needed, kept = {network.output}, list[Stage]()
    for stage in reversed(stages):
        if stage.name in needed:
            kept.append(stage)
            needed.update(_roots(network, stage.reads))
    return kept[::-1]


def _roots(network: IntegerGraph, names: tuple[str, ...]) -> Iterator[str]:
    """Follow Flattens to what they show."""
    flattens = {op.name for op in network.operations if isinstance(op, Flatten)}
    for name in names:
        root = name
        while root in flattens:
            root = network.sources[root][0]
        yield root


def _stage(network: IntegerGraph, head: Operation, taken: set[str]) -> Stage:
    last, bias = head, None
    if isinstance(head, Bias):
        bias = head.values
    following = _only_reader(network, last.name)
    if isinstance(following, Bias) and isinstance(head, _TAKES_BIAS):
        bias = following.values + (0 if bias is None else bias)
        last = following
        taken.add(last.name)
        following = _only_reader(network, last.name)
    sums, threshold = last.name, None
    if isinstance(head, Threshold):
        sums, threshold = network.sources[head.name][0], head
    elif isinstance(following, Threshold):
        last = threshold = following
        taken.add(last.name)
    reads = network.sources[head.name]
    return Stage(name=last.name, sums=sums, head=head, reads=reads, bias=bias, threshold=threshold)


def _only_reader(network: IntegerGraph, name: str) -> Operation | None:
    readers = network.readers(name)
    return readers[0] if len(readers) == 1 and name not in (IMAGE, network.output) else None
