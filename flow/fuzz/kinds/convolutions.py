# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A convolution with its quantizer: dense, depthwise or in groups."""

from flow.fuzz.kinds.kind import Kind
from flow.fuzz.layer_writer import LayerWriter
from flow.fuzz.quantizers import Edge
from flow.fuzz.spec import Block

__all__ = ["CONVOLUTION", "DEPTHWISE", "GROUPED"]


def _write(writer: LayerWriter, block: Block, edge: Edge) -> Edge:
    return writer.quantized(block, writer.convolution(block, edge))


CONVOLUTION = Kind("conv", 2.5, _write)
DEPTHWISE = Kind("depthwise", 1.2, _write)
GROUPED = Kind("grouped", 0.6, _write)
