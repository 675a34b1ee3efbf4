# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A graph of integer operations: what each reads, its shape and its proven range."""

from flow.errors import FlowError
from flow.integer.bounds import Interval
from flow.integer.operations import IMAGE, Operation, Shape

__all__ = ["IntegerGraph"]


class IntegerGraph:
    """From uint8 images to a vector of logits.

    Attributes:
        operations: in an order in which each follows what it reads; the last one's output is the
            logits.
        input_shape: (H, W, C).
        sources: name of each operation -> the names that it reads (IMAGE is the input).
        shapes: name -> the shape of its output without N; with IMAGE's.
    """

    def __init__(
        self, operations: tuple[Operation, ...], input_shape: tuple[int, int, int]
    ) -> None:
        """Check that the graph is sound and ends in a vector that fits int32."""
        self.operations, self.input_shape = operations, input_shape
        self.sources = _sources(operations)
        self.shapes: dict[str, Shape] = {IMAGE: input_shape}
        for operation in operations:
            read = (self.shapes[name] for name in self.sources[operation.name])
            self.shapes[operation.name] = operation.output_shape(*read)
        output = self.shapes[self.output]
        if len(output) != 1:
            raise FlowError(f"integer network: the output {output} is not a vector")
        last = self.ranges()[self.output]
        if last.magnitude() >= 2**31:
            raise FlowError(f"integer network: logits of up to {last.magnitude()} do not fit int32")

    @property
    def output(self) -> str:
        """Name of the operation whose output is the logits; IMAGE if there is none."""
        return self.operations[-1].name if self.operations else IMAGE

    @property
    def classes(self) -> int:
        """Number of logits."""
        return self.shapes[self.output][0]

    def ranges(self) -> dict[str, Interval]:
        """Return the proven range of each operation's output (and IMAGE's), for any uint8 image."""
        found = {IMAGE: Interval(0, 255)}
        for operation in self.operations:
            read = (found[name] for name in self.sources[operation.name])
            found[operation.name] = operation.output_range(*read)
        return found

    def readers(self, name: str) -> list[Operation]:
        """Return the operations that read an output, once for each time they do."""
        return [op for op in self.operations for read in self.sources[op.name] if read == name]


def _sources(operations: tuple[Operation, ...]) -> dict[str, tuple[str, ...]]:
    """Return what each operation reads; FlowError for a name that is unknown or used twice."""
    sources: dict[str, tuple[str, ...]] = {}
    before = IMAGE
    for operation in operations:
        read = operation.inputs or (before,)
        for name in read:
            if name != IMAGE and name not in sources:
                raise FlowError(f"{operation.name}: its input {name!r} is no operation before it")
        if operation.name in sources or operation.name == IMAGE:
            raise FlowError(f"integer network: two operations are called {operation.name!r}")
        sources[operation.name] = read
        before = operation.name
    return sources
