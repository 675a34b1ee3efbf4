# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Weights, activations and quantizers of random graphs, with scales that keep them alive."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from flow.fuzz.spec import Block, GraphSpec
from flow.lowering.graph_writer import GraphWriter

__all__ = ["Edge", "Floats", "QuantWriter"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Edge:
    """An NCHW tensor.

    Attributes:
        name: of the tensor.
        shape: (C, H, W).
        scale: of its levels; 0 if it is not quantized.
        signed: whether it has negative values.
        bipolar: whether it has only two, without a 0.
    """

    name: str
    shape: tuple[int, int, int]
    scale: float = 0.0
    signed: bool = False
    bipolar: bool = False


class QuantWriter:
    """Writes the quantizers of one graph.

    Attributes:
        spec: of the graph.
        graph: written so far.
        rng: of everything random.
    """

    def __init__(self, spec: GraphSpec) -> None:
        self.spec, self.graph = spec, GraphWriter()
        self.rng = np.random.default_rng(spec.seed)

    def statistics(self, name: str) -> tuple[Floats, Floats]:
        """Return mean and standard deviation of each channel, over the images."""
        values = self.graph.values[name].astype(np.float64)
        return values.mean(axis=(0, 2, 3)), values.std(axis=(0, 2, 3)) + 1e-3

    def scale_near(self, size: float) -> float:
        """Return a scale near `size`: a power of two, or any float32."""
        if self.spec.dyadic:
            return float(2.0 ** np.round(np.log2(size)))
        return float(np.float32(size * self.rng.uniform(0.8, 1.25)))

    def rounded(self, values: Floats) -> Floats:
        """Put values on a grid that float32 adds exactly, if scales are powers of two."""
        return np.rint(values * 256) / 256 if self.spec.dyadic else values

    def _codes(self, shape: tuple[int, ...], bits: int) -> Floats:
        if bits == 1:
            return self.rng.choice((-1.0, 1.0), shape)
        limit = 2 ** (bits - 1) - 1
        codes = np.rint(self.rng.normal(0, max(limit / 2, 1), shape)).clip(-limit, limit)
        return np.asarray(codes, dtype=np.float64)

    def weights(
        self, shape: tuple[int, ...], bits: int, *, per_channel: bool = False
    ) -> tuple[str, Floats]:
        """Return the tensor of quantized weights, and their values."""
        codes = self._codes(shape, bits)
        sizes = [shape[0], *[1] * (len(shape) - 1)] if per_channel else []
        scale = np.full(sizes, self.scale_near(0.5 / 2**bits))
        if per_channel:
            scale = scale * 2.0 ** self.rng.integers(-2, 1, sizes)
        scale = scale.astype(np.float32)
        values = codes * scale
        stored = self.graph.constant(values)
        if bits == 1:
            name = self.graph.node("BipolarQuant", stored, self.graph.constant(scale))
        else:
            name = self.graph.quant(stored, scale, bits, signed=True, narrow=True)
        return name, values

    def _activated(self, block: Block, edge: Edge) -> Edge:
        match block.activation:
            case "relu":
                return replace(edge, name=self.graph.node("Relu", edge.name), signed=False)
            case "clip":
                middle, deviation = (float(item.mean()) for item in self.statistics(edge.name))
                ends = [self.rounded(np.array(middle + s * deviation)) for s in (-1, 1.5)]
                operands = (self.graph.constant(end) for end in ends)
                return replace(edge, name=self.graph.node("Clip", edge.name, *operands))
            case "leaky":
                return replace(edge, name=self.graph.node("LeakyRelu", edge.name, alpha=0.125))
            case "tanh" | "sigmoid" if not self.spec.dyadic:
                return replace(edge, name=self.graph.node(block.activation.title(), edge.name))
        return edge

    def quantized(self, block: Block, edge: Edge, scale: float | None = None) -> Edge:
        """Write the activation and its quantizer, whose scale may be given."""
        if block.bits == 1:
            return self._bipolar(block, edge)
        edge = self._activated(block, edge)
        reach = np.quantile(np.abs(self.graph.values[edge.name]), 0.95)
        reach = float(reach) / (2 ** (block.bits - edge.signed) - 1)
        step = scale or self.scale_near(max(reach, 1e-3))
        signed = edge.signed and not block.unsigned
        if block.quantizer == "thresholds" and not self.spec.dyadic:
            block = replace(block, zero_point=0, narrow=False)  # a bias that float32 holds
        levels = _levels(block, signed=signed)
        zero = block.zero_point and block.zero_point + levels[0]
        if not edge.signed:  # or hardly a value would be told from another
            zero = min(zero, levels[len(levels) // 2])
        if block.quantizer == "thresholds":
            name = self._thresholds(levels, edge, step, zero)
        elif block.quantizer == "linear":
            name, levels = self._linear(edge, step, zero, signed=signed)
            zero = min(max(zero, levels[0]), levels[-1])
        else:
            name = self.graph.quant(
                edge.name, step, block.bits, signed=signed, narrow=block.narrow,
                zero=float(zero), rounding=block.rounding,
            )  # fmt: skip
        if block.quantizer == "trunc" and zero == 0 and block.bits > 2 and scale is None:
            name = self._truncated(block, name, step)
        return replace(edge, name=name, scale=step, signed=levels[0] < zero)

    def _bipolar(self, block: Block, edge: Edge) -> Edge:
        step = self.scale_near(0.5)
        shifted = edge.name
        if not block.norm:
            middle = np.median(self.graph.values[edge.name], axis=(0, 2, 3), keepdims=True)
            centre = self.graph.constant(self.rounded(middle.astype(np.float64)))
            shifted = self.graph.node("Sub", edge.name, centre)
        name = self.graph.node("BipolarQuant", shifted, self.graph.constant(step))
        return Edge(name, edge.shape, scale=step, signed=True, bipolar=True)

    def _thresholds(self, levels: range, edge: Edge, step: float, zero: int) -> str:
        """Write MultiThreshold with a row of its own for each channel, at uneven places."""
        count, lowest = len(levels) - 1, levels[0] - zero
        places = np.sort(self.rng.uniform(0.3, 0.7, (edge.shape[0], count)), axis=1)
        table = self.rounded((np.arange(count) + lowest + places) * step)
        return self.graph.node(
            "MultiThreshold",
            edge.name,
            self.graph.constant(table),
            out_dtype="FLOAT32",
            out_scale=step,
            out_bias=lowest * step,
        )

    def _linear(self, edge: Edge, step: float, zero: int, *, signed: bool) -> tuple[str, range]:
        """Write ONNX's own quantizer, of 8 bits; return its levels, too."""
        kind = np.iinfo(np.int8 if signed else np.uint8)
        point = np.array(min(max(zero, kind.min), kind.max), dtype=kind.dtype)
        operands = (self.graph.constant(step), self.graph.constant(point))
        name = self.graph.node("QuantizeLinear", edge.name, *operands)
        name = self.graph.node("DequantizeLinear", name, *operands)
        return name, range(int(kind.min), int(kind.max) + 1)

    def _truncated(self, block: Block, name: str, step: float) -> str:
        """Write a Trunc that drops one bit."""
        operands = (step, 0.0, float(block.bits), float(block.bits - 1))
        mode = "FLOOR" if block.rounding == "ROUND" else block.rounding
        inputs = (self.graph.constant(item) for item in operands)
        return self.graph.node("Trunc", name, *inputs, rounding_mode=mode)


def _levels(block: Block, *, signed: bool) -> range:
    """Return the integers of a quantizer."""
    if signed:
        return range(-(2 ** (block.bits - 1)) + block.narrow, 2 ** (block.bits - 1))
    return range(2**block.bits - block.narrow)
