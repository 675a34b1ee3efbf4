# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""1-D networks: layers of [1, C, L], against qonnx's execution of them."""

from collections.abc import Callable

import numpy as np
import pytest
from agreement import assert_equal, quantized, single, weights

from flow.integer import Convolution, Gather
from flow.lowering import InputEncoding, lower
from flow.lowering.graph_writer import GraphWriter

Layer = Callable[[GraphWriter, str], str]
SHAPE = (1, 4, 15)


def _ints(graph: GraphWriter, *values: int) -> str:
    return graph.constant(np.array(values, dtype=np.int64))


def _conv(graph: GraphWriter, x: str, outputs: int = 6, size: int = 3, **attributes: object) -> str:
    groups = int(str(attributes.get("group", 1)))
    shape = (outputs, graph.values[x].shape[1] // groups, size)
    return graph.node("Conv", x, weights(graph, shape), kernel_shape=[size], **attributes)


def _quant_conv(graph: GraphWriter, x: str, outputs: int = 4) -> str:
    return quantized(graph, _conv(graph, x, outputs, pads=[1, 1]), signed=True)


def _as_2d(graph: GraphWriter, x: str, axis: int) -> str:
    """Conv1d as some exporters write it: Unsqueeze, Conv2d, Squeeze."""
    image = graph.node("Unsqueeze", x, _ints(graph, axis))
    shape = (6, 4, 1, 3) if axis == 2 else (6, 4, 3, 1)
    pads = [0, 1, 0, 1] if axis == 2 else [1, 0, 1, 0]
    found = graph.node("Conv", image, weights(graph, shape), pads=pads)
    return graph.node("Squeeze", found, _ints(graph, axis))


CASES: dict[str, Layer] = {
    "conv": _conv,
    "stride": lambda g, x: _conv(g, x, strides=[2]),
    "stride beyond the kernel": lambda g, x: _conv(g, x, size=2, strides=[3]),
    "asymmetric pads": lambda g, x: _conv(g, x, pads=[2, 1]),
    "dilation": lambda g, x: _conv(g, x, dilations=[3]),
    "groups": lambda g, x: _conv(g, x, 6, group=2),
    "depthwise": lambda g, x: _conv(g, x, 4, group=4, pads=[1, 1]),
    "pointwise": lambda g, x: _conv(g, x, size=1),
    "pointwise with a stride": lambda g, x: _conv(g, x, size=1, strides=[2]),
    "same upper": lambda g, x: _conv(g, x, auto_pad="SAME_UPPER", strides=[2]),
    "bias": lambda g, x: g.node("Conv", x, weights(g, (2, 4, 1)), g.constant([1.5, -2])),
    "max pool": lambda g, x: g.node("MaxPool", x, kernel_shape=[3], strides=[2], pads=[1, 0]),
    "max pool, ceil": lambda g, x: g.node("MaxPool", x, kernel_shape=[2], strides=[2], ceil_mode=1),
    "average pool": lambda g, x: g.node("AveragePool", x, kernel_shape=[2], strides=[2]),
    "average pool, padded": lambda g, x: g.node("AveragePool", x, kernel_shape=[3], pads=[1, 1]),
    "global average": lambda g, x: g.node("GlobalAveragePool", x),
    "global max": lambda g, x: g.node("GlobalMaxPool", x),
    "mean": lambda g, x: g.node("ReduceMean", _conv(g, x), _ints(g, 2), keepdims=0),
    "max": lambda g, x: g.node("ReduceMax", _conv(g, x), _ints(g, -1), keepdims=1),
    "padding, then conv": lambda g, x: _conv(g, g.node("Pad", x, _ints(g, 0, 0, 2, 0, 0, 1))),
    "residual": lambda g, x: g.node("Add", _quant_conv(g, x), quantized(g, x)),
    "concat of channels": lambda g, x: g.node(
        "Concat", _quant_conv(g, x), quantized(g, x, bits=2), axis=1
    ),
    "concat of times": lambda g, x: _conv(
        g, g.node("Concat", _quant_conv(g, x), quantized(g, x), axis=2)
    ),
    "crop": lambda g, x: _conv(
        g, g.node("Slice", x, _ints(g, 3), _ints(g, -2), _ints(g, 2), _ints(g, 2))
    ),
    "upsampling": lambda g, x: _conv(
        g, g.node("Resize", x, "", g.constant([1.0, 1.0, 2.0]), mode="nearest",
                  coordinate_transformation_mode="asymmetric", nearest_mode="floor"),
    ),
    "last step": lambda g, x: g.node("Gather", _conv(g, x), g.constant(np.int64(-1)), axis=2),
    "unsqueeze to height": lambda g, x: _as_2d(g, x, 2),
    "unsqueeze to width": lambda g, x: _as_2d(g, x, 3),
    "two as images": lambda g, x: _conv(g, quantized(g, _as_2d(g, x, 3), signed=True)),
    "batch norm": lambda g, x: g.node(
        "BatchNormalization", _conv(g, x, 2),
        *(g.constant(v) for v in ([0.5, -0.5], [3.0, 1.0], [8.0, 4.0], [4.0, 16.0])),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_layer_of_sequences_equals_its_execution(name: str) -> None:
    def body(graph: GraphWriter, x: str) -> str:
        found = CASES[name](graph, x)
        return quantized(graph, found, signed=bool((graph.values[found] < 0).any()))

    assert assert_equal(single(body, SHAPE, annotate=False), encoding=_PIXELS).input_shape == (
        (1, 15, 4)
    )  # fmt: skip


_PIXELS = InputEncoding(scale=1, layout="NCHW")


def test_a_sequence_with_its_channels_last_is_transposed_for_nothing() -> None:
    def body(graph: GraphWriter, x: str) -> str:
        found = _conv(graph, graph.node("Transpose", x, perm=[0, 2, 1]))
        return quantized(graph, graph.node("Transpose", found, perm=[0, 2, 1]), signed=True)

    model = single(body, (1, 15, 4), annotate=False)
    network = assert_equal(model, encoding=InputEncoding(scale=1), nchw=False)
    assert network.input_shape == (1, 15, 4)
    assert not any(isinstance(item, Gather) for item in network.operations)


def test_a_matrix_times_a_sequence_is_a_pointwise_convolution() -> None:
    def body(graph: GraphWriter, x: str) -> str:
        return quantized(graph, graph.node("MatMul", x, weights(graph, (4, 5))), signed=True)

    model = single(body, (1, 15, 4), annotate=False)
    network = assert_equal(model, encoding=InputEncoding(scale=1), nchw=False)
    assert isinstance(network.operations[0], Convolution)


@pytest.mark.parametrize("name", ["conv", "unsqueeze to width", "global max", "average pool"])
def test_the_first_layers_tell_a_sequence_from_an_image(name: str) -> None:
    model = single(CASES[name], SHAPE, annotate=False)
    assert lower(model).network.input_shape == (1, 15, 4)


def test_features_are_reshaped_to_a_sequence() -> None:
    def body(graph: GraphWriter, x: str) -> str:
        image = graph.node("Reshape", x, _ints(graph, 1, 15, 4))
        return _conv(graph, graph.node("Transpose", image, perm=[0, 2, 1]))

    model = single(body, (1, 60), annotate=False)
    assert_equal(model, encoding=InputEncoding(scale=1), nchw=False)
