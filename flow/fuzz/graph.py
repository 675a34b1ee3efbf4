# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The QONNX graph of a specification: input, layers, head."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.infer_shapes import InferShapes

from flow.fuzz.kinds.registry import KINDS
from flow.fuzz.layer_writer import LayerWriter
from flow.fuzz.quantizers import Edge
from flow.fuzz.spec import Block, GraphSpec

__all__ = ["build", "smooth_images"]

_IMAGES = 8  # that scales are chosen by


def smooth_images(
    rng: np.random.Generator, count: int, shape: tuple[int, ...]
) -> NDArray[np.float32]:
    """Return float32[N, *shape] of integers 0..255: patches of several brightnesses."""
    sides = [-(-side // 3) for side in shape]
    ends = np.sort(rng.integers(0, 256, (2, count, *[1] * len(shape))), axis=0)
    patches = rng.integers(ends[0], ends[1] + 1, (count, *sides))
    for axis in range(1, patches.ndim):
        patches = np.repeat(patches, 3, axis=axis)
    cut = (slice(None), *(slice(side) for side in shape))
    return patches[cut].astype(np.float32)


def build(spec: GraphSpec) -> ModelWrapper:
    """Return the graph of a specification; the same one gives the same graph."""
    return _Writer(spec).model()


class _Writer(LayerWriter):
    """Writes one graph."""

    def model(self) -> ModelWrapper:
        """Write input, blocks and head."""
        height, width, channels = self.spec.image
        shape = [1, channels, height, width] if self.spec.nchw else [1, height, width, channels]
        edge = self._input(height, width, channels)
        for block in self.spec.blocks:
            edge = KINDS[block.kind].write(self, block, edge)
        logits = self._head(edge)
        model = self._ended(logits, shape)
        model.set_tensor_datatype("images", DataType["UINT8"])
        model.set_tensor_layout("images", list("NCHW" if self.spec.nchw else "NHWC"))
        return model.transform(InferShapes())

    def _ended(self, logits: str, shape: list[int]) -> ModelWrapper:
        ending, classes = self.spec.ending, [1, self.spec.classes]
        if ending == "ArgMax":
            logits = self.graph.node("ArgMax", logits, axis=1, keepdims=0)
            return self.graph.model(("images", shape), (logits, [1]), TensorProto.INT64)
        if ending:
            logits = self.graph.node(ending, logits, axis=1)
        return self.graph.model(("images", shape), (logits, classes), TensorProto.FLOAT)

    def _input(self, height: int, width: int, channels: int) -> Edge:
        name = "images"
        shape = (channels, height, width) if self.spec.nchw else (height, width, channels)
        self.graph.values[name] = smooth_images(self.rng, _IMAGES, shape)
        if not self.spec.nchw:
            name = self.graph.node("Transpose", name, perm=[0, 3, 1, 2])
        divisor = 256.0 if self.spec.dyadic else 255.0
        name = self.graph.node("Div", name, self.graph.constant(divisor))
        return Edge(name, (channels, height, width), scale=1 / divisor)

    def _head(self, edge: Edge) -> str:
        """Write the last layer on a quantized vector; return the logits."""
        if not edge.scale:
            edge = self.quantized(Block(), edge)
        channels, height, width = edge.shape
        name, features = edge.name, channels * height * width
        if self.spec.pooled:
            name, features = self.graph.node("GlobalAveragePool", name), channels
        name = self.graph.node("Flatten", name, axis=1)
        weights, values = self.weights((features, self.spec.classes), self.spec.weight_bits)
        step = float(np.abs(values[values != 0]).min(initial=1.0)) * edge.scale
        operands: list[Any] = [name, weights]
        if not self.spec.bias:
            return self.graph.node("MatMul", *operands)
        bias = self.rng.integers(-8, 9, self.spec.classes) * step
        return self.graph.node("Gemm", *operands, self.graph.constant(bias))
