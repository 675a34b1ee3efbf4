# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What the kinds of layers share: convolutions, windows, padding that fits."""

from dataclasses import replace

import numpy as np

from flow.fuzz.quantizers import Edge, QuantWriter
from flow.fuzz.spec import Block

__all__ = ["LayerWriter", "smaller", "unstrided"]

_SMALL = 4  # sides that are not strided over


class LayerWriter(QuantWriter):
    """Writes parts of layers."""

    def may_pad(self, edge: Edge, *, signed: bool) -> bool:
        """Say whether hardware has a value to pad with; for some layers `signed` ones have none."""
        return not self.spec.hardware or not (edge.bipolar or (signed and edge.signed))

    def edge(self, name: str, like: Edge) -> Edge:
        """Return a tensor that has been written, with the levels of another one."""
        channels, height, width = self.graph.values[name].shape[1:]
        return replace(like, name=name, shape=(channels, height, width))

    def padded(self, block: Block, edge: Edge) -> tuple[Edge, list[int]]:
        """Write the padding as a node if the block says so; return what is left to the layer."""
        padding = list(block.padding) if self.may_pad(edge, signed=False) else [0] * 4
        if not block.pad_node or not any(padding):
            return edge, padding
        top, left, bottom, right = padding
        pads = np.array([0, 0, top, left, 0, 0, bottom, right], dtype=np.int64)
        name = self.graph.node("Pad", edge.name, self.graph.constant(pads))
        return self.edge(name, edge), [0] * 4

    def convolution(self, block: Block, edge: Edge) -> Edge:
        """Write Conv, its bias and BatchNormalization."""
        edge, padding = self.padded(block, edge)
        channels, height, width = edge.shape
        groups = {"depthwise": channels, "grouped": _divisor(channels)}.get(block.kind, 1)
        outputs = channels if block.kind == "depthwise" else groups * -(-block.channels // groups)
        block = unstrided(block, (height, width))
        kernel, dilation = _fitted(block, (height, width), padding)
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
        found = self.edge(name, Edge(name, edge.shape, signed=True))
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


def _divisor(channels: int) -> int:
    """Return the smallest divisor above 1."""
    return next((size for size in range(2, channels + 1) if channels % size == 0), 1)


def smaller(kernel: tuple[int, int], size: tuple[int, ...]) -> tuple[int, int]:
    """Return a kernel cut to a size."""
    return min(kernel[0], size[0]), min(kernel[1], size[1])


def unstrided(block: Block, size: tuple[int, ...]) -> Block:
    """Leave out the stride along sides that are small already."""
    stride = [step if side > _SMALL else 1 for step, side in zip(block.stride, size, strict=True)]
    return replace(block, stride=(stride[0], stride[1]))


def _fitted(
    block: Block, size: tuple[int, ...], padding: list[int]
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return kernel and dilation cut to what the padded input holds."""
    whole = [size[i] + padding[i] + padding[2 + i] for i in (0, 1)]
    spans = [(block.kernel[i] - 1) * block.dilation[i] + 1 for i in (0, 1)]
    dilation = block.dilation if all(s <= w for s, w in zip(spans, whole, strict=True)) else (1, 1)
    return smaller(block.kernel, tuple(whole)), dilation
