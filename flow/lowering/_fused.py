# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Activations that exporters write as several nodes, as the one node that they are."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, helper

__all__ = ["fused"]

_SATURATED = 17.0  # from here on softplus(x) is x in float32
Producers = Mapping[str, NodeProto]
Constants = Mapping[str, NDArray[np.generic]]


def fused(nodes: Sequence[NodeProto], initializers: Constants) -> list[NodeProto]:
    """Return the nodes with Softplus, Softsign and Swish in the place of what torch writes.

    The last node of a pattern is replaced; nothing else then needs those before it.
    """
    producers = {name: node for node in nodes for name in node.output}
    constants = {name: values for name, values in initializers.items() if values.size == 1}
    return [_fused(node, producers, constants) for node in nodes]


def _fused(node: NodeProto, producers: Producers, constants: Constants) -> NodeProto:
    pattern = _PATTERNS.get(node.op_type)
    found = pattern(node, producers, constants) if pattern and not node.domain else None
    if found is None:
        return node
    op_type, source = found
    return helper.make_node(op_type, [source], list(node.output), name=node.name)


_Found = tuple[str, str] | None  # operation, its input


def _softplus(node: NodeProto, producers: Producers, constants: Constants) -> _Found:
    """Where(b * x > 20, x, Softplus(b * x) / b), in which b may be 1 and then is not written."""
    condition, source, other = node.input
    greater, found = producers.get(condition), producers.get(other)
    scaled = source
    if greater is not None and found is not None and found.op_type == "Div":
        multiple = producers.get(greater.input[0])
        factor, divisor = (_constant(item, 1, constants) for item in (multiple, found))
        if not factor or factor != divisor or not _is(multiple, "Mul", source):
            return None
        scaled, found = greater.input[0], producers.get(found.input[0])
    if not _is(greater, "Greater", scaled) or not _is(found, "Softplus", scaled):
        return None
    limit = _constant(greater, 1, constants)
    return None if limit is None or limit < _SATURATED else ("Identity", other)


def _constant(node: NodeProto | None, place: int, constants: Constants) -> float | None:
    """Return an input of a node if it is a constant of one entry."""
    found = None if node is None else constants.get(node.input[place])
    return None if found is None else float(found.item())


def _softsign(node: NodeProto, producers: Producers, constants: Constants) -> _Found:
    """X / (|x| + 1)."""
    source, divisor = node.input
    total = producers.get(divisor)
    if total is None or total.op_type != "Add":
        return None
    sizes = [name for name in total.input if _is(producers.get(name), "Abs", source)]
    ones = [name for name in total.input if name in constants and constants[name].item() == 1]
    return ("Softsign", source) if sizes and ones else None


def _swish(node: NodeProto, producers: Producers, constants: Constants) -> _Found:  # noqa: ARG001
    """X * Sigmoid(x)."""
    for source, other in (node.input, list(node.input)[::-1]):
        if _is(producers.get(other), "Sigmoid", source):
            return "Swish", source
    return None


def _is(node: NodeProto | None, op_type: str, source: str) -> bool:
    return node is not None and node.op_type == op_type and node.input[0] == source


_PATTERNS: dict[str, Callable[[NodeProto, Producers, Constants], _Found]] = {
    "Where": _softplus,
    "Div": _softsign,
    "Mul": _swish,
}
