# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Windows at the very edge: paddings of one place more or less, against qonnx and torch."""

import math

import numpy as np
import pytest
import torch
from agreement import assert_equal, pictures, quantized, single, weights
from torch.nn import functional as F

from flow.integer import Convolution, MaxPool
from flow.lowering import lower
from flow.lowering.graph_writer import GraphWriter

SHAPE = (1, 2, 10, 7)


def _conv(graph: GraphWriter, x: str, kernel: int, stride: int, **padding: object) -> str:
    window = {"kernel_shape": [kernel] * 2, "strides": [stride] * 2}
    return graph.node("Conv", x, weights(graph, (3, 2, kernel, kernel)), **window, **padding)


def _pads(kernel: int, stride: int, mode: str) -> list[int]:
    """Return what SAME stands for: ceil(size / stride) windows, the odd place behind or before."""
    missing = [max((math.ceil(s / stride) - 1) * stride + kernel - s, 0) for s in SHAPE[2:]]
    before = [(m + (mode == "SAME_LOWER")) // 2 for m in missing]
    return [*before, *(m - b for m, b in zip(missing, before, strict=True))]


# Where the stride is beyond the kernel, places may be left over. Onnxruntime then crops the image
# by amounts that differ from one kernel to another; the padding of SAME is never negative.
@pytest.mark.parametrize("mode", ["SAME_UPPER", "SAME_LOWER"])
@pytest.mark.parametrize(
    ("kernel", "stride"), [(3, 5), (2, 8), (1, 2), (1, 3), (1, 6), (3, 4), (2, 3), (3, 2), (4, 4)]
)
def test_same_padding_is_that_of_its_definition(kernel: int, stride: int, mode: str) -> None:
    same, explicit = (
        lower(single(lambda g, x, p=p: _conv(g, x, kernel, stride, **p), SHAPE)).network
        for p in ({"auto_pad": mode}, {"pads": _pads(kernel, stride, mode)})
    )
    images = pictures(same, 4)
    np.testing.assert_array_equal(same.logits(images), explicit.logits(images))


@pytest.mark.parametrize("mode", ["SAME_UPPER", "SAME_LOWER"])
@pytest.mark.parametrize(("kernel", "stride"), [(1, 2), (3, 4), (2, 3), (3, 2), (4, 4)])
def test_same_padding_is_onnxruntime_s(kernel: int, stride: int, mode: str) -> None:
    assert_equal(single(lambda g, x: _conv(g, x, kernel, stride, auto_pad=mode), SHAPE))


@pytest.mark.parametrize("stride", [2, 3, 4])
@pytest.mark.parametrize("kernel", [2, 3, 4])
@pytest.mark.parametrize("size", [4, 5, 6, 7, 8])
def test_windows_that_start_in_the_right_padding_are_dropped(
    size: int, kernel: int, stride: int
) -> None:
    """Torch's rule, which ONNX took over: with ceil_mode, too."""
    window = {"kernel_shape": [kernel] * 2, "strides": [stride] * 2, "pads": [1] * 4}
    model = single(lambda g, x: g.node("MaxPool", x, ceil_mode=1, **window), (1, 1, size, size))
    network = lower(model).network
    (pool,) = (one for one in network.operations if isinstance(one, MaxPool))
    expected = F.max_pool2d(torch.zeros(1, 1, size, size), kernel, stride, 1, ceil_mode=True)
    assert network.shapes[pool.name][:2] == tuple(expected.shape[2:])


def test_a_convolution_of_a_vector_is_a_dense_layer() -> None:
    def body(graph: GraphWriter, x: str) -> str:
        sums = graph.node("MatMul", graph.node("Flatten", x), weights(graph, (12, 5)))
        vector = graph.node("Reshape", sums, graph.constant(np.array([1, 5, 1, 1])))
        return graph.node("Conv", vector, weights(graph, (4, 5, 1, 1)))

    network = assert_equal(single(body, (1, 3, 2, 2)))
    assert not any(isinstance(one, Convolution) for one in network.operations)


@pytest.mark.parametrize(("start", "end"), [(0, 4), (1, 5), (2, 6), (4, 8), (3, 4)])
def test_a_part_of_a_vector_begins_where_it_says(start: int, end: int) -> None:
    def body(graph: GraphWriter, x: str) -> str:
        sums = graph.node("MatMul", graph.node("Flatten", x), weights(graph, (12, 8)))
        ends = (graph.constant(np.array([one])) for one in (start, end, 1))
        return graph.node("Slice", quantized(graph, sums), *ends)

    assert_equal(single(body, (1, 3, 2, 2)))
