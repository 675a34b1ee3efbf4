# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Small QONNX classifiers with random weights, for tests that need a graph but no training."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from onnx import NodeProto, TensorProto, helper, numpy_helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.util.basic import qonnx_make_model

_QUANT = "qonnx.custom_op.general"


@dataclass
class GraphBuilder:
    """Appends ONNX nodes in a chain; tensors are named t0, t1, ..."""

    rng: np.random.Generator
    nodes: list[NodeProto] = field(default_factory=list)
    constants: list[TensorProto] = field(default_factory=list)
    tensor: str = "images"

    def constant(self, value: object) -> str:
        name = f"c{len(self.constants)}"
        array = np.asarray(value)
        array = array if array.dtype == np.int64 else array.astype(np.float32)
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def append(self, op_type: str, *inputs: str, domain: str = "", **attributes: object) -> str:
        output = f"t{len(self.nodes)}"
        self.nodes.append(
            helper.make_node(
                op_type, inputs, [output], name=f"{op_type}_{output}", domain=domain, **attributes
            )
        )
        return output

    def then(self, op_type: str, *operands: str, **attributes: object) -> None:
        self.tensor = self.append(op_type, self.tensor, *operands, **attributes)

    def quant(self, tensor: str, scale: object, bits: int, *, signed: bool) -> str:
        operands = (self.constant(scale), self.constant(0.0), self.constant(float(bits)))
        return self.append(
            "Quant",
            tensor,
            *operands,
            domain=_QUANT,
            signed=int(signed),
            narrow=int(signed),
            rounding_mode="ROUND",
        )

    def weights(self, shape: tuple[int, ...], scale: float, bits: int = 4) -> str:
        limit = 2 ** (bits - 1) - 1
        codes = self.rng.integers(-limit, limit + 1, shape)
        return self.quant(self.constant(codes * scale), scale, bits, signed=True)

    def flat_convolution(self, outputs: int) -> None:
        """Image [1, 6, 6, 1] -> one 6x6 convolution and quantized ReLU -> [1, outputs]."""
        self.then("Transpose", perm=[0, 3, 1, 2])
        self.then("Conv", self.weights((outputs, 1, 6, 6), 0.125))
        self.then("Relu")
        self.tensor = self.quant(self.tensor, 20.0, 4, signed=False)
        self.then("Reshape", self.constant(np.array([1, -1])))


def tiny_qonnx(
    size: int = 6,
    channels: Sequence[int] = (4, 6),
    strides: Sequence[int] = (1, 2),
    bits: int = 4,
    seed: int = 0,
) -> ModelWrapper:
    """Images [1, size, size, 1] -> 3x3 convolutions, BatchNorm and quantized ReLU -> 5 logits."""
    graph = GraphBuilder(np.random.default_rng(seed))
    graph.then("Transpose", perm=[0, 3, 1, 2])
    graph.then("Div", graph.constant(255.0))
    inputs, width = 1, size
    for outputs, stride in zip(channels, strides, strict=True):
        kernel = graph.weights((outputs, inputs, 3, 3), 0.125, bits)
        graph.then("Conv", kernel, kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[stride, stride])
        _batch_norm(graph, outputs)
        graph.then("Relu")
        graph.tensor = graph.quant(graph.tensor, 0.11, bits, signed=False)
        inputs, width = outputs, -(-width // stride)
    graph.then("Reshape", graph.constant(np.array([1, -1])))
    graph.then("MatMul", graph.weights((inputs * width * width, 5), 0.25, bits))
    return finish(graph, size, 5)


def _batch_norm(graph: GraphBuilder, channels: int) -> None:
    rng = graph.rng
    statistics = (
        rng.uniform(0.5, 1.5, channels),
        rng.uniform(-0.2, 0.6, channels),
        rng.uniform(-0.3, 0.3, channels),
        rng.uniform(0.5, 2.0, channels),
    )
    graph.then("BatchNormalization", *(graph.constant(values) for values in statistics))


def finish(graph: GraphBuilder, size: int, classes: int) -> ModelWrapper:
    """Wrap the chain as a model from float32[1, size, size, 1] to float32[1, classes]."""
    images = helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, size, size, 1])
    logits = helper.make_tensor_value_info(graph.tensor, TensorProto.FLOAT, [1, classes])
    proto = helper.make_graph(graph.nodes, "tiny", [images], [logits], graph.constants)
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid(_QUANT, 1)]
    return ModelWrapper(qonnx_make_model(proto, opset_imports=opsets))
