# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""From FINN's dataflow graph to an integer network."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp

from flow.errors import FlowError
from flow.integer.network import IntegerNetwork
from flow.integer.operations import Convolution, Dense, Flatten, Integers, Operation, Threshold

__all__ = ["lower"]

_NO_PADDING = (0, 0, 0, 0)


@dataclass(frozen=True)
class _Window:
    """What FMPadding and ConvolutionInputGenerator have done to the next matrix's input."""

    padding: tuple[int, int, int, int] = _NO_PADDING
    kernel: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)


def lower(model: ModelWrapper, scale: float) -> IntegerNetwork:
    """Lower a FINN dataflow graph (before width converters and FIFOs) to integer operations.

    Args:
        model: nodes FMPadding, ConvolutionInputGenerator, MVAU without activation, Thresholding,
            specialised or not, in a chain from a UINT8 NHWC input.
        scale: float logits per integer logit.

    Raises:
        FlowError: a node has no integer operation; the message names it and says why.
    """
    shape = model.get_tensor_shape(model.graph.input[0].name)
    builder = _Builder(model, tuple(shape[1:]))
    for node in model.graph.node:
        builder.add(node)
    return IntegerNetwork(tuple(builder.operations), (shape[1], shape[2], shape[3]), scale)


class _Builder:
    """Collects operations; a padding and a window wait for the matrix that follows them."""

    def __init__(self, model: ModelWrapper, shape: tuple[int, ...]) -> None:
        self.model = model
        self.shape = shape
        self.operations: list[Operation] = []
        self.window = _Window()

    def add(self, node: NodeProto) -> None:
        instance = getCustomOp(node)
        match node.op_type.removesuffix("_rtl").removesuffix("_hls"):
            case "FMPadding":
                top, left, bottom, right = instance.get_nodeattr("Padding")
                self.window = _Window(padding=(top, left, bottom, right))
            case "ConvolutionInputGenerator":
                self._gather(node, instance)
            case "MVAU":
                self._multiply(node, instance)
            case "Thresholding":
                offset = int(instance.get_nodeattr("ActVal"))
                thresholds = self._integers(node)
                self._append(Threshold(name=node.name, thresholds=thresholds, offset=offset))
            case other:
                raise FlowError(f"{node.name}: the operation {other} has no integer form yet")

    def _gather(self, node: NodeProto, instance: Any) -> None:  # noqa: ANN401 - FINN is untyped
        if instance.get_nodeattr("depthwise"):
            raise FlowError(f"{node.name}: a depthwise window has no integer form yet")
        if any(size != 1 for size in instance.get_nodeattr("Dilation")):
            raise FlowError(f"{node.name}: a dilated window has no integer form yet")
        kernel, stride = instance.get_nodeattr("ConvKernelDim"), instance.get_nodeattr("Stride")
        self.window = _Window(
            padding=self.window.padding,
            kernel=(int(kernel[0]), int(kernel[1])),
            stride=(int(stride[0]), int(stride[1])),
        )

    def _multiply(self, node: NodeProto, instance: Any) -> None:  # noqa: ANN401 - FINN is untyped
        if not instance.get_nodeattr("noActivation"):
            raise FlowError(f"{node.name}: thresholds inside an MVAU have no integer form yet")
        weights = self._integers(node)
        if self.window == _Window() and weights.shape[0] == np.prod(self.shape):
            if len(self.shape) > 1:
                self._append(Flatten(name=f"{node.name}_flatten"))
            self._append(Dense(name=node.name, weights=weights))
            return
        height, width = self.window.kernel
        self._append(
            Convolution(
                name=node.name,
                weights=weights.reshape(height, width, -1, weights.shape[1]),
                stride=self.window.stride,
                padding=self.window.padding,
            )
        )
        self.window = _Window()

    def _append(self, operation: Operation) -> None:
        self.shape = operation.output_shape(self.shape)
        self.operations.append(operation)

    def _integers(self, node: NodeProto) -> Integers:
        tensor = self.model.get_initializer(node.input[1])
        if tensor is None:
            raise FlowError(f"{node.name}: its parameters are not constant; freeze them first")
        rounded = np.rint(np.asarray(tensor, dtype=np.float64))
        if not np.array_equal(rounded, tensor):
            raise FlowError(f"{node.name}: its parameters are not integers; streamline first")
        return rounded.astype(np.int64)
