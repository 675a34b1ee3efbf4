# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The layers of random graphs."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.infer_shapes import InferShapes

from flow.lowering._random_quantizers import Edge, QuantWriter
from flow.lowering.random_graphs import Block, GraphSpec

__all__ = ["smooth_images", "write"]

_SMALL = 4  # sides that are not strided over
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


def write(spec: GraphSpec) -> ModelWrapper:
    """Return the graph of a specification."""
    return _Writer(spec).model()


class _Writer(QuantWriter):
    """Writes one graph."""

    def model(self) -> ModelWrapper:
        """Write input, blocks and head."""
        height, width, channels = self.spec.image
        shape = [1, channels, height, width] if self.spec.nchw else [1, height, width, channels]
        edge = self._input(height, width, channels)
        for block in self.spec.blocks:
            edge = self._block(block, edge)
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

    def _block(self, block: Block, edge: Edge) -> Edge:
        match block.kind:
            case "maxpool":
                return self._max_pool(block, edge)
            case "avgpool":
                return self._average_pool(block, edge)
            case "residual":
                return self._residual(block, edge)
            case "concat":
                return self._concat(block, edge)
        return self.quantized(block, self._convolution(block, edge))

    def _padding(self, block: Block, edge: Edge, *, signed: bool) -> list[int]:
        """Return the padding, none where hardware has no value to pad with."""
        refused = self.spec.hardware and (edge.bipolar or (signed and edge.signed))
        return [0] * 4 if refused else list(block.padding)

    def _padded(self, block: Block, edge: Edge) -> tuple[Edge, list[int]]:
        """Write the padding as a node if the block says so; return what is left to the layer."""
        padding = self._padding(block, edge, signed=False)
        if not block.pad_node or not any(padding):
            return edge, padding
        top, left, bottom, right = padding
        pads = np.array([0, 0, top, left, 0, 0, bottom, right], dtype=np.int64)
        name = self.graph.node("Pad", edge.name, self.graph.constant(pads))
        channels, height, width = edge.shape
        shape = (channels, height + top + bottom, width + left + right)
        return replace(edge, name=name, shape=shape), [0] * 4

    def _convolution(self, block: Block, edge: Edge) -> Edge:
        """Write Conv, its bias and BatchNormalization."""
        edge, padding = self._padded(block, edge)
        channels, height, width = edge.shape
        groups = {"depthwise": channels, "grouped": _divisor(channels)}.get(block.kind, 1)
        outputs = channels if block.kind == "depthwise" else groups * -(-block.channels // groups)
        block = _unstrided(block, (height, width))
        kernel, dilation, size = _fitted(block, (height, width), padding)
        shape = (outputs, channels // groups, *kernel)
        weights, _ = self.weights(shape, block.weight_bits, per_channel=block.per_channel)
        attributes = {
            "kernel_shape": list(kernel),
            "strides": list(block.stride),
            "dilations": list(dilation),
            "pads": padding,
            "group": groups,
        }
        name = self.graph.node("Conv", edge.name, weights, **attributes)
        if block.bias:
            mean, deviation = self.statistics(name)
            shift = self.rounded(deviation * self.rng.normal(0, 0.5, outputs) - mean)
            self.graph.drop_last()
            name = self.graph.node(
                "Conv", edge.name, weights, self.graph.constant(shift), **attributes
            )
        found = Edge(name, (outputs, *size), signed=True)
        return self._normed(found) if block.norm else found

    def _normed(self, edge: Edge) -> Edge:
        count, (mean, deviation) = edge.shape[0], self.statistics(edge.name)
        gain = self.rng.uniform(0.5, 1.5, count) * self.rng.choice((1, 1, 1, -1), count)
        bias = self.rng.normal(0, 0.5, count)
        variance = deviation**2
        if self.spec.dyadic:  # a gain and a bias that float32 applies exactly
            scale = 2.0 ** -np.round(np.log2(deviation))
            gain, variance = np.sign(gain) * scale, np.ones(count)
            bias, mean = self.rounded(bias - gain * mean), np.zeros(count)
        operands = (self.graph.constant(item) for item in (gain, bias, mean, variance))
        epsilon = 0.0 if self.spec.dyadic else 1e-5
        name = self.graph.node("BatchNormalization", edge.name, *operands, epsilon=epsilon)
        return replace(edge, name=name)

    def _max_pool(self, block: Block, edge: Edge) -> Edge:
        name, size = self._pool("MaxPool", block, edge)
        return replace(edge, name=name, shape=(edge.shape[0], *size))

    def _average_pool(self, block: Block, edge: Edge) -> Edge:
        name, size = self._pool("AveragePool", block, edge, count_include_pad=1)
        shape = (edge.shape[0], *size)
        averaged = replace(edge, name=name, shape=shape, scale=0.0, bipolar=False)
        return self.quantized(replace(block, activation="none"), averaged)

    def _pool(
        self, op_type: str, block: Block, edge: Edge, **attributes: object
    ) -> tuple[str, tuple[int, int]]:
        """Write a pool, without padding where it would not be smaller than the window."""
        sides, kernel = edge.shape[1:], _smaller(block.kernel, edge.shape[1:])
        block = _unstrided(block, sides)
        padding = self._padding(block, edge, signed=op_type == "MaxPool")
        if any(pad >= size for pad, size in zip(padding, kernel * 2, strict=True)):
            padding = [0] * 4
        name = self.graph.node(
            op_type,
            edge.name,
            kernel_shape=list(kernel),
            strides=list(block.stride),
            pads=padding,
            **attributes,
        )
        return name, _sizes(kernel, block.stride, sides, padding)

    def _residual(self, block: Block, edge: Edge) -> Edge:
        """Write relu(convolutions(x) + x), both quantized to related scales."""
        start = self._on_grid(block, edge)
        same = replace(
            block,
            kind="conv",
            channels=edge.shape[0],
            kernel=(3, 3),
            stride=(1, 1),
            dilation=(1, 1),
            padding=(1, 1, 1, 1),
            pad_node=False,
            activation="none",
            quantizer="quant",
            zero_point=0,
            bits=max(block.bits, 2),
        )
        if self._padding(same, start, signed=False) != [1] * 4:
            same = replace(same, kernel=(1, 1), padding=(0, 0, 0, 0))
        branch = self.quantized(same, self._convolution(same, start), start.scale * block.factor)
        name = self.graph.node("Add", branch.name, start.name)
        total = Edge(name, edge.shape, signed=True)
        return self.quantized(replace(block, zero_point=0), total)

    def _on_grid(self, block: Block, edge: Edge) -> Edge:
        """Return the edge with levels of one scale, whose 0 is one of them."""
        narrow = replace(block, activation="none", quantizer="quant", zero_point=0)
        return self.quantized(replace(narrow, bits=max(block.bits, 2)), edge)

    def _concat(self, block: Block, edge: Edge) -> Edge:
        """Write two convolutions of one tensor, side by side, with one scale."""
        own = replace(block, kind="conv", quantizer="quant", zero_point=0, bits=max(block.bits, 2))
        first = self.quantized(own, self._convolution(own, edge))
        second = self.quantized(own, self._convolution(own, edge), first.scale)
        name = self.graph.node("Concat", first.name, second.name, axis=1)
        channels = first.shape[0] + second.shape[0]
        return replace(first, name=name, shape=(channels, *first.shape[1:]))

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


def _divisor(channels: int) -> int:
    """Return the smallest divisor above 1."""
    return next((size for size in range(2, channels + 1) if channels % size == 0), 1)


def _smaller(kernel: tuple[int, int], size: tuple[int, ...]) -> tuple[int, int]:
    return min(kernel[0], size[0]), min(kernel[1], size[1])


def _unstrided(block: Block, size: tuple[int, ...]) -> Block:
    """Leave out the stride along sides that are small already."""
    stride = [step if side > _SMALL else 1 for step, side in zip(block.stride, size, strict=True)]
    return replace(block, stride=(stride[0], stride[1]))


def _sizes(
    kernel: tuple[int, int], stride: tuple[int, int], size: tuple[int, ...], padding: list[int]
) -> tuple[int, int]:
    whole = [size[i] + padding[i] + padding[2 + i] for i in (0, 1)]
    found = [(whole[i] - kernel[i]) // stride[i] + 1 for i in (0, 1)]
    return found[0], found[1]


def _fitted(
    block: Block, size: tuple[int, ...], padding: list[int]
) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
    """Return kernel and dilation cut to what the padded input holds, and the output's size."""
    whole = [size[i] + padding[i] + padding[2 + i] for i in (0, 1)]
    spans = [(block.kernel[i] - 1) * block.dilation[i] + 1 for i in (0, 1)]
    dilation = block.dilation if all(s <= w for s, w in zip(spans, whole, strict=True)) else (1, 1)
    kernel = _smaller(block.kernel, tuple(whole))
    reach = ((kernel[0] - 1) * dilation[0] + 1, (kernel[1] - 1) * dilation[1] + 1)
    return kernel, dilation, _sizes(reach, block.stride, size, padding)
