# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Pixels that are dropped or repeated."""

import numpy as np

from flow.fuzz.kinds.kind import Kind
from flow.fuzz.layer_writer import LayerWriter
from flow.fuzz.quantizers import Edge
from flow.fuzz.spec import Block

__all__ = ["CROP", "UPSAMPLE"]

_MOST_UPSAMPLED = 40  # pixels of an image that is upsampled


def _crop(writer: LayerWriter, block: Block, edge: Edge) -> Edge:
    """Take every stride-th row and column, from some place of the first half on."""
    starts = [int(writer.rng.integers(0, -(-size // 2))) for size in edge.shape[1:]]
    parts = (starts, [2**31] * 2, [2, 3], list(block.stride))
    operands = (writer.graph.constant(np.array(part, dtype=np.int64)) for part in parts)
    return writer.edge(writer.graph.node("Slice", edge.name, *operands), edge)


def _upsample(writer: LayerWriter, block: Block, edge: Edge) -> Edge:
    """Repeat rows and columns as often as the stride says, at most three times."""
    if edge.shape[1] * edge.shape[2] > _MOST_UPSAMPLED:
        return edge
    scales = np.array([1, 1, *(min(step, 3) for step in block.stride)], dtype=np.float32)
    name = writer.graph.node(
        "Resize",
        edge.name,
        "",
        writer.graph.constant(scales),
        mode="nearest",
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )
    return writer.edge(name, edge)


CROP = Kind("crop", 0.5, _crop)
UPSAMPLE = Kind("upsample", 0.5, _upsample)
