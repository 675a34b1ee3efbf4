# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""MaxPool, and AveragePool with a quantizer."""

from dataclasses import replace

from flow.fuzz.kinds.kind import Kind
from flow.fuzz.layer_writer import LayerWriter, smaller, unstrided
from flow.fuzz.quantizers import Edge
from flow.fuzz.spec import Block

__all__ = ["AVERAGE_POOL", "MAX_POOL"]


def _max_pool(writer: LayerWriter, block: Block, edge: Edge) -> Edge:
    return _pool(writer, "MaxPool", block, edge)


def _average_pool(writer: LayerWriter, block: Block, edge: Edge) -> Edge:
    counted = {"count_include_pad": int(block.count_include_pad)}
    pooled = replace(_pool(writer, "AveragePool", block, edge, **counted), scale=0.0, bipolar=False)
    return writer.quantized(replace(block, activation="none"), pooled)


def _pool(
    writer: LayerWriter, op_type: str, block: Block, edge: Edge, **attributes: object
) -> Edge:
    """Write a pool, without padding where it would not be smaller than the window."""
    kernel = smaller(block.kernel, edge.shape[1:])
    block = unstrided(block, edge.shape[1:])
    refused = not writer.may_pad(edge, signed=op_type == "MaxPool")
    padding = list(block.padding)
    if refused or any(pad >= size for pad, size in zip(padding, kernel * 2, strict=True)):
        padding = [0] * 4
    name = writer.graph.node(
        op_type,
        edge.name,
        kernel_shape=list(kernel),
        strides=list(block.stride),
        pads=padding,
        ceil_mode=int(block.ceil_mode and not refused and _agreed(block, kernel, edge, padding)),
        **attributes,
    )
    return writer.edge(name, edge)


def _agreed(block: Block, kernel: tuple[int, int], edge: Edge, padding: list[int]) -> bool:
    """Say whether no window would start behind the image, where ONNX's tools count differently."""
    for axis in (0, 1):
        size, step, before = edge.shape[1 + axis], block.stride[axis], padding[axis]
        room = size + before + padding[2 + axis] - kernel[axis]
        if room % step and room - room % step + step >= size + before:
            return False
    return True


MAX_POOL = Kind("maxpool", 1.3, _max_pool)
AVERAGE_POOL = Kind("avgpool", 1.2, _average_pool)
