# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Operators of onnxruntime's QOperator format, as the operation between quantizers that they are.

QLinearConv, say, is DequantizeLinear, Conv and QuantizeLinear in one node, whose weights and bias
are integers with a scale. The names of the parts begin with that of the node.
"""

from collections.abc import Callable, Iterator, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, helper

from flow.integer.operations import Integers
from flow.lowering.constants import Constant, attribute

__all__ = ["QOPERATORS", "expanded"]

Constants = MutableMapping[str, Constant]

# How many inputs there are where an output's zero point is left out, which would say its type.
_UNTYPED = {"QGemm": 8, "QLinearAdd": 7}


@dataclass(frozen=True)
class _Expansion:
    """The parts of one node; constants among its inputs become such of the parts."""

    node: NodeProto
    constants: Constants

    def linear(self, op_type: str, *, axis: int, bias: int | None, out: int) -> Iterator[NodeProto]:
        """Yield a product with the weights of input 3, whose scales run along the axis."""
        yield self._read(0)
        inputs = [self._name("in0"), self._weights(axis)]
        if bias is not None and self._has(bias):
            inputs.append(self._bias(bias))
        yield from self._between(op_type, inputs, out)

    def joined(self, op_type: str, places: Sequence[int], out: int) -> Iterator[NodeProto]:
        """Yield an operation on the inputs at these places."""
        yield from map(self._read, places)
        yield from self._between(op_type, [self._name(f"in{place}") for place in places], out)

    def _between(self, op_type: str, inputs: list[str], out: int) -> Iterator[NodeProto]:
        """Yield the operation, and the quantizer of its output with scale and zero point at out."""
        given = {one.name: helper.get_attribute_value(one) for one in self.node.attribute}
        kept = {name: value for name, value in given.items() if name != "channels_last"}
        if not self._has(out):  # a QGemm that gives floats
            yield self._part(op_type, inputs, self.node.output[0], **kept)
            return
        yield self._part(op_type, inputs, self._name("sums"), **kept)
        scale = self.node.input[out : out + 2]
        yield self._part("QuantizeLinear", [self._name("sums"), *scale], self.node.output[0])

    def _read(self, place: int) -> NodeProto:
        """Return the dequantizer of an input, which scale and zero point follow."""
        inputs = list(self.node.input[place : place + 3])
        return self._part("DequantizeLinear", inputs, self._name(f"in{place}"))

    def _part(
        self, op_type: str, inputs: list[str], output: str, **attributes: object
    ) -> NodeProto:
        name = self.node.name if output == self.node.output[0] else output
        return helper.make_node(op_type, inputs, [output], name=name, **attributes)

    def _weights(self, axis: int) -> str:
        codes, scale, zero = (self.constants[name].values for name in self.node.input[3:6])
        around = [-1 if i == axis % codes.ndim else 1 for i in range(codes.ndim)]
        steps, points = (one if one.size == 1 else one.reshape(around) for one in (scale, zero))
        return self._constant("weights", codes.astype(np.int64) - points.astype(np.int64), steps)

    def _bias(self, place: int) -> str:
        """Add the bias, int32 in steps of the product of input 0's and the weights' scales."""
        image, weights = (self.constants[self.node.input[i]].values for i in (1, 4))
        steps = (image.astype(np.float64) * weights.astype(np.float64)).reshape(-1)  # 48 bits
        codes = self.constants[self.node.input[place]].values.astype(np.int64)
        return self._constant("bias", codes, steps)

    def _constant(self, part: str, codes: Integers, scale: NDArray[Any]) -> str:
        values = (codes * scale.astype(np.float64)).astype(np.float32)
        self.constants[self._name(part)] = Constant(values, codes, scale)
        return self._name(part)

    def _name(self, part: str) -> str:
        return f"{self.node.name}.{part}"

    def _has(self, place: int) -> bool:
        return len(self.node.input) > place and bool(self.node.input[place])


def _conv(expansion: _Expansion) -> Iterator[NodeProto]:
    return expansion.linear("Conv", axis=0, bias=8, out=6)


def _matmul(expansion: _Expansion) -> Iterator[NodeProto]:
    return expansion.linear("MatMul", axis=-1, bias=None, out=6)


def _gemm(expansion: _Expansion) -> Iterator[NodeProto]:
    axis = 0 if attribute(expansion.node, "transB", 0) else 1
    return expansion.linear("Gemm", axis=axis, bias=6, out=7)


def _add(expansion: _Expansion) -> Iterator[NodeProto]:
    return expansion.joined("Add", [0, 3], 6)


def _average(expansion: _Expansion) -> Iterator[NodeProto]:
    return expansion.joined("GlobalAveragePool", [0], 3)


def _concat(expansion: _Expansion) -> Iterator[NodeProto]:
    return expansion.joined("Concat", range(2, len(expansion.node.input), 3), 0)


QOPERATORS: dict[str, Callable[[_Expansion], Iterator[NodeProto]]] = {
    "QGemm": _gemm,
    "QLinearAdd": _add,
    "QLinearConcat": _concat,
    "QLinearConv": _conv,
    "QLinearGlobalAveragePool": _average,
    "QLinearMatMul": _matmul,
}


def expanded(nodes: list[NodeProto], constants: Constants) -> list[NodeProto]:
    """Return the nodes with each of these operators as its parts, whose constants are added."""
    parts = []
    for node in nodes:
        expand = QOPERATORS.get(node.op_type)
        found = [*expand(_Expansion(node, constants))] if expand and _usual(node, constants) else []
        parts += found or [node]
    return parts


def _usual(node: NodeProto, constants: Constants) -> bool:
    """Say whether scales and weights are constants and images run channels first, without alpha.

    And the output has a zero point: whether it is signed is its type's.
    """
    if attribute(node, "channels_last", 0) or attribute(node, "alpha", 1.0) != 1:
        return False
    given = max(place for place, name in enumerate(node.input, start=1) if name)
    if given == _UNTYPED.get(node.op_type):
        return False
    product = node.op_type in ("QGemm", "QLinearConv", "QLinearMatMul")
    return not product or all(name in constants for name in node.input[1:] if name)
