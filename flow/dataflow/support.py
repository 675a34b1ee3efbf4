# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Which layers of a QONNX graph can become RTL, and why the others cannot."""

from collections.abc import Callable
from typing import Any, NamedTuple

from onnx import NodeProto, helper
from qonnx.core.modelwrapper import ModelWrapper

__all__ = ["Unsupported", "unsupported_layers"]


class Unsupported(NamedTuple):
    """A layer that cannot be compiled."""

    node: str
    op_type: str
    reason: str

    def __str__(self) -> str:
        """Return name, operation and reason in one clause."""
        return f"{self.node} ({self.op_type}): {self.reason}"


def unsupported_layers(model: ModelWrapper) -> list[Unsupported]:
    """Check the whole QONNX graph and return every layer that cannot become RTL, in graph order."""
    found = []
    for node in model.graph.node:
        reason = _reason(model, node)
        if reason is not None:
            found.append(Unsupported(node.name or node.output[0], node.op_type, reason))
    return found


def _reason(model: ModelWrapper, node: NodeProto) -> str | None:
    check = _CHECKS.get(node.op_type)
    if check is None:
        return _KNOWN_GAPS.get(node.op_type, "there is no RTL layer for this operation")
    return check(model, node)


def _attribute(node: NodeProto, name: str, default: Any) -> Any:  # noqa: ANN401 - ONNX holds anything
    for attribute in node.attribute:
        if attribute.name == name:
            return helper.get_attribute_value(attribute)
    return default


def _supported(model: ModelWrapper, node: NodeProto) -> None:  # noqa: ARG001 - one signature for all
    return None


def _constant_operand(model: ModelWrapper, node: NodeProto) -> str | None:
    if any(model.get_initializer(name) is not None for name in node.input):
        return None
    return f"{node.op_type} of two streams has no RTL layer for this part yet"


def _matrix(model: ModelWrapper, node: NodeProto) -> str | None:
    return _weights(model, node.input[1])


def _convolution(model: ModelWrapper, node: NodeProto) -> str | None:
    group = _attribute(node, "group", 1)
    if group != 1:
        return f"group {group} is not 1; grouped and depthwise convolutions have no RTL layer yet"
    dilations = list(_attribute(node, "dilations", [1]))
    if any(size != 1 for size in dilations):
        return f"dilations {dilations} are not 1"
    if len(_attribute(node, "kernel_shape", [1, 1])) != 2:
        return "only two-dimensional convolutions have an RTL layer"
    return _weights(model, node.input[1])


def _weights(model: ModelWrapper, name: str) -> str | None:
    producer = model.find_producer(name)
    if producer is None or producer.op_type != "Quant":
        return "its weights are not quantized (no Quant node before them)"
    bits = model.get_initializer(producer.input[3])
    if bits is None or not 2 <= float(bits.item()) <= 8:
        width = "not constant" if bits is None else f"{bits.item():g}"
        return f"weight bit width {width} is not in 2..8"
    if not _attribute(producer, "signed", 1):
        return "unsigned weights have no RTL layer; quantize them signed"
    if not _attribute(producer, "narrow", 0):
        return "weights are not narrow-range, which DSP48E1 multipliers need; set narrow=1"
    return None


def _quantizer(model: ModelWrapper, node: NodeProto) -> str | None:
    if model.get_initializer(node.input[1]) is None:
        return "its scale is computed at run time; freeze it"
    if model.get_initializer(node.input[0]) is not None:
        return None  # of weights: judged with the layer that uses them
    bits = model.get_initializer(node.input[3])
    if bits is None or not 2 <= float(bits.item()) <= 8:
        width = "not constant" if bits is None else f"{bits.item():g}"
        return f"activation bit width {width} is not in 2..8"
    return None


_CHECKS: dict[str, Callable[[ModelWrapper, NodeProto], str | None]] = {
    "Add": _constant_operand,
    "BatchNormalization": _supported,
    "Conv": _convolution,
    "Div": _constant_operand,
    "Flatten": _supported,
    "Gemm": _matrix,
    "Identity": _supported,
    "MatMul": _matrix,
    "Mul": _constant_operand,
    "Quant": _quantizer,
    "Relu": _supported,
    "Reshape": _supported,
    "Sub": _constant_operand,
    "Transpose": _supported,
}
_KNOWN_GAPS = {
    "AveragePool": "average pooling has no RTL layer yet; use a strided convolution",
    "BipolarQuant": "1-bit values have no RTL layer yet; use at least 2 bits",
    "Concat": "concatenation has no RTL layer yet",
    "GlobalAveragePool": "global average pooling has no RTL layer yet; flatten instead",
    "MaxPool": "max-pool has no RTL layer yet; use a strided convolution",
    "Sigmoid": "it is not a threshold function of integers; use a quantized ReLU",
    "Softmax": "take the argmax of the logits instead; softmax does not change it",
}
