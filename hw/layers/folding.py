# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Folding of our layers by FINN's rule: FINN's SetFolding knows them as HLS layers only."""

from collections.abc import Iterator

import numpy as np
from finn.custom_op.fpgadataflow.hwcustomop import HWCustomOp
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp

from hw.layers.base import StreamLayer

__all__ = ["fold_stream_layers", "legal_foldings"]

_ATTRIBUTES = {"StreamingConcat_rtl": "SIMD"}  # the others have a PE


def fold_stream_layers(model: ModelWrapper, target_cycles: int) -> None:
    """Give every layer of ours the least parallelism that takes at most `target_cycles` a frame.

    What cannot reach the target gets all there is. A depthwise sliding window before a Pool gets
    SIMD = PE and has to reach the target as well.
    """
    for node in model.graph.node:
        layer = getCustomOp(node) if node.domain.endswith("fpgadataflow.rtl") else None
        if isinstance(layer, StreamLayer):
            _fold(layer, _sliding_window(model, layer), target_cycles)


def legal_foldings(layer: StreamLayer) -> tuple[str, list[int]]:
    """Return the name of the attribute that folds a layer, and its legal values, ascending."""
    attribute = _ATTRIBUTES.get(layer.onnx_node.op_type, "PE")
    return attribute, list(_common_divisors(_foldable(layer)))


def _foldable(layer: StreamLayer) -> list[int]:
    if layer.onnx_node.op_type == "StreamingConcat_rtl":
        return [int(channels) for channels in layer.get_nodeattr("ChannelsPerStream")]
    if layer.onnx_node.op_type == "LabelSelect_rtl":
        return [int(layer.get_nodeattr("Labels"))]
    return [int(layer.get_normal_output_shape()[-1])]


def _common_divisors(numbers: list[int]) -> Iterator[int]:
    greatest = int(np.gcd.reduce(numbers))
    return (n for n in range(1, greatest + 1) if greatest % n == 0)


def _sliding_window(model: ModelWrapper, layer: StreamLayer) -> HWCustomOp | None:
    """Return the operator whose SIMD has to be the layer's PE, or None."""
    if layer.onnx_node.op_type != "Pool_rtl":
        return None
    producer = model.find_producer(layer.onnx_node.input[0])
    if producer is None or not producer.op_type.startswith("ConvolutionInputGenerator"):
        return None
    return getCustomOp(producer)


def _fold(layer: StreamLayer, window: HWCustomOp | None, target_cycles: int) -> None:
    attribute, values = legal_foldings(layer)
    for value in values:
        layer.set_nodeattr(attribute, value)
        cycles = [layer.get_exp_cycles()]
        if window is not None:
            window.set_nodeattr("SIMD", value)
            cycles.append(int(window.get_exp_cycles()))
        if max(cycles) <= target_cycles:
            return
