# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Two branches that meet: added, or side by side in channels, rows or columns."""

from dataclasses import replace

from flow.fuzz.kinds.kind import Kind
from flow.fuzz.layer_writer import LayerWriter
from flow.fuzz.quantizers import Edge
from flow.fuzz.spec import Block

__all__ = ["CONCAT", "JOIN", "RESIDUAL"]


def _residual(writer: LayerWriter, block: Block, edge: Edge) -> Edge:
    """Write relu(convolutions(x) + x), both quantized to related scales."""
    start = _on_grid(writer, block, edge)
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
    if not writer.may_pad(start, signed=False):
        same = replace(same, kernel=(1, 1), padding=(0, 0, 0, 0))
    convolved = writer.convolution(same, start)
    factor = block.factor if writer.spec.dyadic else 2 ** (block.factor // 2)  # exact in float32
    branch = writer.quantized(same, convolved, start.scale * factor)
    name = writer.graph.node("Add", branch.name, start.name)
    return writer.quantized(block, Edge(name, edge.shape, signed=True))


def _on_grid(writer: LayerWriter, block: Block, edge: Edge) -> Edge:
    """Return the edge with levels of one scale, whose 0 is one of them."""
    plain = replace(block, activation="none", quantizer="quant", zero_point=0)
    return writer.quantized(replace(plain, bits=max(block.bits, 2)), edge)


def _concat(writer: LayerWriter, block: Block, edge: Edge) -> Edge:
    return _joined(writer, block, edge, 1)


def _join(writer: LayerWriter, block: Block, edge: Edge) -> Edge:
    return _joined(writer, block, edge, 2 + int(writer.rng.integers(2)))


def _joined(writer: LayerWriter, block: Block, edge: Edge, axis: int) -> Edge:
    """Write two convolutions of one tensor, side by side, with one scale."""
    own = replace(block, kind="conv", quantizer="quant", bits=max(block.bits, 2))
    first = writer.quantized(own, writer.convolution(own, edge))
    second = writer.quantized(own, writer.convolution(own, edge), first.scale)
    name = writer.graph.node("Concat", first.name, second.name, axis=axis)
    return writer.edge(name, replace(first, signed=first.signed or second.signed))


RESIDUAL = Kind("residual", 1.2, _residual)
CONCAT = Kind("concat", 1.0, _concat)
JOIN = Kind("join", 0.5, _join)
