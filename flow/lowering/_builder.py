# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The integer operations written so far, with their shapes and proven ranges."""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from math import prod

import numpy as np
from onnx import NodeProto

from flow.errors import FlowError
from flow.integer import IMAGE, Convolution, Dense, Interval, Operation
from flow.integer.operations import Integers, Shape
from flow.lowering._refusal import Refusal
from flow.lowering._rounded import Rounded, inherited
from flow.lowering._values import NO_PADDING, Value, objects
from flow.lowering.constants import Constant

__all__ = ["Builder", "Placeholder"]

_EXACT = 2**53  # integer products are computed in float64
_LARGEST = 2**26  # elements of a tensor


class Placeholder(Operation):
    """Stands for what was refused, so that the nodes behind it are checked too."""

    def __init__(self, name: str, shape: Shape) -> None:
        super().__init__(name=name)
        object.__setattr__(self, "shape", shape)

    shape: Shape

    def apply(self, *values: Integers) -> Integers:
        """Never called: a network with a refused node is not made."""
        raise AssertionError(self.name, values)

    def output_shape(self, *shapes: Shape) -> Shape:  # noqa: ARG002 - has no input
        """Return the refused output's shape."""
        return self.shape

    def output_range(self, *ranges: Interval) -> Interval:  # noqa: ARG002 - has no input
        """Return some range."""
        return Interval(-128, 127)


class Builder:
    """Appends integer operations and keeps what every tensor of the source graph is.

    Attributes:
        tensors: name of a source tensor -> what it is.
        operations: name -> operation, in order.
        ranges: name -> the proven range of its output.
        shapes: name -> the shape of its output.
        notes: what had to be rounded or left out.
        readers: name of a source tensor -> the nodes that read it.
        opset: of ONNX's own operations in the source graph.
        factors: name of a Convolution or Dense -> int64[I, O]: what its inputs' scales have
            multiplied the weights of each input (of a group) and output with.
        rounded: name of an operation whose integers are off -> how, and by how much.
        ties: name of a quantizer -> how many of its thresholds are near to a tie, and all of them.
    """

    def __init__(self, input_shape: Shape, opset: int = 18) -> None:
        self.opset = opset
        self.tensors: dict[str, Value | Constant] = {}
        self.operations: dict[str, Operation] = {}
        self.ranges: dict[str, Interval] = {IMAGE: Interval(0, 255)}
        self.shapes: dict[str, Shape] = {IMAGE: input_shape}
        self.notes: list[str] = []
        self.readers: dict[str, list[NodeProto]] = {}
        self.factors: dict[str, Integers] = {}
        self.rounded: dict[str, Rounded] = {}
        self.ties: dict[str, tuple[int, int]] = {}
        self._read: set[str] = set()

    def emit(self, operation: Operation) -> str:
        """Append an operation, under a name of its own if another has its name; return the name.

        Raises:
            Refusal: shapes that do not fit, or sums beyond 2**53.
        """
        name, count = operation.name, 1
        while name in self.operations or name == IMAGE:
            count += 1
            name = f"{operation.name}_{count}"
        if name != operation.name:
            operation = replace(operation, name=name)
        try:
            shape = operation.output_shape(*(self.shapes[item] for item in operation.inputs))
        except FlowError as error:
            raise Refusal(str(error), "change the layer's geometry", structural=True) from error
        if int(np.prod(shape)) > _LARGEST:
            raise Refusal(
                f"its output {shape} has more than {_LARGEST} elements",
                "use smaller images",
                structural=True,
            )
        found = operation.output_range(*(self.ranges[item] for item in operation.inputs))
        if found.magnitude() >= _EXACT:
            raise Refusal(
                f"its sums reach {found.magnitude()}, beyond 2**53",
                "use narrower weights or inputs",
            )
        self.operations[name] = operation
        self.shapes[name], self.ranges[name] = shape, found
        self._read.update(operation.inputs)
        self._inherit(operation)
        return name

    def _inherit(self, operation: Operation) -> None:
        """Keep how far the integers behind a rounded sum are off."""
        found = [self.rounded[item] for item in operation.inputs if item in self.rounded]
        own = (
            inherited(operation, found, prod(self.shapes[operation.inputs[0]][:-1]))
            if found
            else None
        )
        if own is not None:
            self.rounded[operation.name] = own

    def interval(self, value: Value) -> Interval:
        """Return the proven range of the integers behind a tensor."""
        return self.ranges[value.source]

    def needed(self, output: str) -> tuple[Operation, ...]:
        """Return the operations that an output depends on, in order."""
        needed, waiting = {output}, [output]
        while waiting:
            operation = self.operations.get(waiting.pop())
            for source in operation.inputs if operation else ():
                if source not in needed:
                    needed.add(source)
                    waiting.append(source)
        return tuple(item for name, item in self.operations.items() if name in needed)

    def multiply(self, source: str, factors: Integers) -> bool:
        """Multiply channels of a sum of products in place; False if it has a reader.

        Every tensor that comes from it keeps its values: its scales are divided as much.
        """
        producer = self.operations.get(source)
        if source in self._read or not isinstance(producer, Convolution | Dense):
            return False
        changed = replace(producer, weights=producer.weights * factors)
        self.operations[source] = changed
        self.ranges[source] = changed.output_range(*(self.ranges[i] for i in changed.inputs))
        inverse = objects([Fraction(1, int(f)) if f else Fraction(0) for f in factors])
        for name, item in self.tensors.items():
            if isinstance(item, Value) and item.source == source:
                self.tensors[name] = item.of_multiple(inverse)
        return True

    def pin_shared(self, values: Sequence[Value]) -> None:
        """Keep the signs of sources that several of these values have in common."""
        sources = [value.source for value in values]
        self._read.update(source for source in sources if sources.count(source) > 1)

    def channelwise(self, name: str, value: Value, factors: Integers, *, pad: bool = False) -> str:
        """Multiply each channel of the source by an integer; pad with the value's own zeros."""
        count, inputs = value.channels, (value.source,)
        if len(value.shape) == 1:
            return self.emit(Dense(name=name, inputs=inputs, weights=np.diag(factors)))
        weights = np.asarray(factors, dtype=np.int64).reshape(1, 1, 1, count)
        padding = value.padding if pad else NO_PADDING
        return self.emit(
            Convolution(name=name, inputs=inputs, weights=weights, padding=padding, groups=count)
        )
