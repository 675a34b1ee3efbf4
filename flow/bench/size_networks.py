# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""MobileNetV1 and ResNets of any image size, with random weights and scales that fit a noise image.

The shapes are those of the papers. Weights are drawn; BatchNormalization has the mean and
deviation that the noise image meets, and quantizers the 99% quantile, as training would leave them.
All scales are powers of two, so that float32 executes the network exactly and no tie is decided by
rounding.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from onnx import TensorProto
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.infer_shapes import InferShapes

from flow.lowering.graph_writer import GraphWriter

__all__ = ["SIZED", "sized_model"]

_MOBILENET = (64, -128, 128, -256, 256, -512, *[512] * 5, -1024, 1024)  # minus: strided
_DEEP = ((64, 3), (128, 4), (256, 6), (512, 3))


def sized_model(name: str, pixels: int) -> ModelWrapper:
    """Return a network of SIZED for images uint8 [1, 3, pixels, pixels]."""
    return SIZED[name](pixels)


def _dyadic(sizes: ArrayLike) -> NDArray[np.float64]:
    """Return the nearest powers of two."""
    return np.asarray(2.0 ** np.round(np.log2(sizes)))


@dataclass
class _Writer:
    """Writes layers one after the other.

    Attributes:
        graph: written so far.
        bits: of weights and of activations.
        rng: of everything random.
    """

    graph: GraphWriter
    bits: tuple[int, int]
    rng: np.random.Generator

    @classmethod
    def of(cls, pixels: int, bits: tuple[int, int]) -> tuple["_Writer", str]:
        """Return a writer and its input, a noise image over 256."""
        rng = np.random.default_rng(pixels)
        graph = GraphWriter()
        image = rng.integers(0, 256, (1, 3, pixels, pixels))
        graph.values["images"] = image.astype(np.float32)
        return cls(graph, bits, rng), graph.node("Div", "images", graph.constant(256.0))

    def weights(self, shape: Sequence[int], bits: int, *, per_output: bool = True) -> str:
        """Return quantized weights."""
        values = self.rng.normal(size=shape)
        axes = tuple(range(1, len(shape))) if per_output else None
        scale = np.abs(values).max(axis=axes, keepdims=True)
        if bits == 1:
            return self.graph.node(
                "BipolarQuant",
                self.graph.constant(values),
                self.graph.constant(_dyadic(0.1 * scale)),
            )
        step = _dyadic(scale / (2 ** (bits - 1) - 1))
        return self.graph.quant(self.graph.constant(values), step, bits, signed=True, narrow=True)

    def conv(
        self, tensor: str, outputs: int, kernel: int, *, stride: int = 1, depthwise: bool = False
    ) -> str:
        """Write a convolution of SAME size and BatchNormalization; the first has 8-bit weights."""
        channels = self.graph.values[tensor].shape[1]
        bits = 8 if channels == 3 else self.bits[0]
        inside = 1 if depthwise else channels
        found = self.graph.node(
            "Conv",
            tensor,
            self.weights((outputs, inside, kernel, kernel), bits),
            kernel_shape=[kernel] * 2,
            strides=[stride] * 2,
            pads=[kernel // 2] * 4,
            group=channels if depthwise else 1,
        )
        values = self.graph.values[found].astype(np.float64)
        mean, deviation = (item(values, axis=(0, 2, 3)) for item in (np.mean, np.std))
        gain = _dyadic(1 / (deviation + 1e-3))
        shift = np.rint(256 * (self.rng.normal(0, 0.5, outputs) - gain * mean)) / 256
        parts = (gain, shift, np.zeros(outputs), np.ones(outputs))
        operands = (self.graph.constant(part) for part in parts)
        return self.graph.node("BatchNormalization", found, *operands, epsilon=0.0)

    def relu(self, tensor: str) -> tuple[str, float]:
        """Write Relu and a quantizer without a sign; return its step, too."""
        found = self.graph.node("Relu", tensor)
        top = float(np.quantile(self.graph.values[found], 0.99)) + 1e-3
        step = float(_dyadic(top / (2 ** self.bits[1] - 1)))
        return self.graph.quant(found, step, self.bits[1], signed=False), step

    def block(self, tensor: str, widths: Sequence[int], kernels: Sequence[int], stride: int) -> str:
        """Write a residual block whose branches share the step of their quantizers."""
        before, found = self.graph.values[tensor].shape[1], tensor
        for place, (width, kernel) in enumerate(zip(widths, kernels, strict=True)):
            strided = stride if kernel == 3 and stride > 1 and place == kernels.index(3) else 1
            found = self.conv(found, width, kernel, stride=strided)
            if place < len(widths) - 1:
                found, _ = self.relu(found)
        step = float(_dyadic(np.quantile(np.abs(self.graph.values[found]), 0.99) / 7))
        if before == widths[-1] and stride == 1:
            shortcut = tensor
        else:
            shortcut = self.conv(tensor, widths[-1], 1, stride=stride)
        ends = [self.graph.quant(end, step, 4, signed=True) for end in (found, shortcut)]
        return self.relu(self.graph.node("Add", *ends))[0]

    def finished(self, tensor: str, classes: int) -> ModelWrapper:
        """Write the average and the last layer."""
        vector = self.graph.node("Flatten", self.graph.node("GlobalAveragePool", tensor), axis=1)
        rows = self.weights((classes, self.graph.values[vector].shape[1]), 8, per_output=False)
        output = self.graph.node("Gemm", vector, rows, transB=1)
        shape = list(self.graph.values["images"].shape)
        model = self.graph.model(("images", shape), (output, [1, classes]), TensorProto.FLOAT)
        model = model.transform(InferShapes())
        model.set_tensor_datatype("images", DataType["UINT8"])
        model.set_tensor_layout("images", list("NCHW"))
        return model


def _mobilenet(pixels: int) -> ModelWrapper:
    """MobileNetV1 4w4a: arXiv:1704.04861, table 1."""
    writer, tensor = _Writer.of(pixels, (4, 4))
    tensor, _ = writer.relu(writer.conv(tensor, 32, 3, stride=2))
    for width in _MOBILENET:
        stride, before = 1 + (width < 0), writer.graph.values[tensor].shape[1]
        tensor, _ = writer.relu(writer.conv(tensor, before, 3, stride=stride, depthwise=True))
        tensor, _ = writer.relu(writer.conv(tensor, abs(width), 1))
    return writer.finished(tensor, 1000)


def _stem(writer: _Writer, tensor: str) -> str:
    tensor, _ = writer.relu(writer.conv(tensor, 64, 7, stride=2))
    return writer.graph.node(
        "MaxPool", tensor, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]
    )


def _resnet8(pixels: int) -> ModelWrapper:
    """ResNet-8 4w4a: MLPerf Tiny's."""
    writer, tensor = _Writer.of(pixels, (4, 4))
    tensor, _ = writer.relu(writer.conv(tensor, 16, 3))
    for width, stride in ((16, 1), (32, 2), (64, 2)):
        tensor = writer.block(tensor, (width, width), (3, 3), stride)
    return writer.finished(tensor, 10)


def _resnet18(pixels: int) -> ModelWrapper:
    """ResNet-18 4w4a: arXiv:1512.03385, table 1."""
    writer, tensor = _Writer.of(pixels, (4, 4))
    tensor = _stem(writer, tensor)
    for width, _ in _DEEP:
        for place in range(2):
            stride = 2 if place == 0 and width > 64 else 1
            tensor = writer.block(tensor, (width, width), (3, 3), stride)
    return writer.finished(tensor, 1000)


def _resnet50(pixels: int) -> ModelWrapper:
    """ResNet-50 1w2a: arXiv:1512.03385, table 1, with the stride in the 3x3 layer."""
    writer, tensor = _Writer.of(pixels, (1, 2))
    tensor = _stem(writer, tensor)
    for width, blocks in _DEEP:
        for place in range(blocks):
            stride = 2 if place == 0 and width > 64 else 1
            tensor = writer.block(tensor, (width, width, 4 * width), (1, 3, 1), stride)
    return writer.finished(tensor, 1000)


SIZED: dict[str, Callable[[int], ModelWrapper]] = {
    "mobilenet": _mobilenet,
    "resnet8": _resnet8,
    "resnet18": _resnet18,
    "resnet50": _resnet50,
}
