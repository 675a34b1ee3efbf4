# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Each operation alone, against qonnx's execution of it."""

from collections.abc import Callable

import numpy as np
import pytest
from agreement import Body, assert_equal, pictures, quantized, single, weights
from onnx import helper, numpy_helper

from flow.integer import Add, Concat, Convolution, MaxPool, SumPool, Threshold
from flow.lowering import lower
from flow.lowering.graph_writer import GraphWriter

Layer = Callable[[GraphWriter, str], str]
UNQUANTIZED = (  # they need a quantizer behind them
    "relu",
    "clip",
    "weights of several scales",
    "channels with a filter alike",
    "batch norm",
)


def _ints(graph: GraphWriter, *values: int) -> str:
    return graph.constant(np.array(values, dtype=np.int64))


def _const(graph: GraphWriter, *values: float) -> str:
    return graph.constant(np.array(values, dtype=float).reshape((-1, 1, 1) if values[1:] else ()))


def _conv(graph: GraphWriter, x: str, outputs: int = 4, **attributes: object) -> str:
    groups = int(str(attributes.get("group", 1)))
    shape = (outputs, graph.values[x].shape[1] // groups, 3, 3)
    return graph.node("Conv", x, weights(graph, shape), kernel_shape=[3, 3], **attributes)


CASES: dict[str, Layer] = {
    "conv": _conv,
    "strides": lambda g, x: _conv(g, x, strides=[2, 1]),
    "asymmetric pads": lambda g, x: _conv(g, x, pads=[1, 0, 2, 1]),
    "dilations": lambda g, x: _conv(g, x, dilations=[1, 2]),
    "groups": lambda g, x: _conv(g, _conv(g, x), 6, group=2),
    "depthwise": lambda g, x: _conv(g, _conv(g, x), 4, group=4, pads=[1, 1, 1, 1]),
    "depthwise multiplier": lambda g, x: _conv(g, _conv(g, x), 8, group=4),
    "same upper": lambda g, x: _conv(g, x, auto_pad="SAME_UPPER", strides=[2, 2]),
    "same lower": lambda g, x: _conv(g, x, auto_pad="SAME_LOWER", strides=[2, 2]),
    "valid": lambda g, x: _conv(g, x, auto_pad="VALID"),
    "bias": lambda g, x: g.node("Conv", x, weights(g, (4, 2, 1, 1)), g.constant([1.5, -2, 0, 3])),
    "quantized bias": lambda g, x: g.node(
        "Conv",
        x,
        weights(g, (2, 2, 1, 1)),
        g.quant(g.constant([1.5, -2.0]), 0.125, 8, signed=True),
    ),
    "plain integer weights": lambda g, x: g.node(
        "Conv", x, g.constant(np.arange(-4.0, 4.0).reshape(4, 2, 1, 1))
    ),
    "plain scaled weights": lambda g, x: g.node(
        "Conv", x, g.constant(np.arange(-4, 4).reshape(4, 2, 1, 1) * np.float32(0.1234567))
    ),
    "weights of several scales": lambda g, x: g.node(
        "Conv",
        x,
        weights(g, (3, 2, 1, 1), scale=np.array([0.5, 0.171, 0.3313]).reshape(3, 1, 1, 1)),
    ),
    "max pool": lambda g, x: g.node("MaxPool", x, kernel_shape=[2, 3], strides=[2, 1]),
    "max pool, padded": lambda g, x: g.node("MaxPool", x, pads=[1, 0, 1, 1], kernel_shape=[3, 2]),
    "max pool, ceil": lambda g, x: g.node(
        "MaxPool", x, kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1
    ),
    "max pool of negative scales": lambda g, x: g.node(
        "MaxPool", g.node("Mul", _conv(g, x), _const(g, 1, -2, 1, -1)), kernel_shape=[2, 2]
    ),
    "max pool of a negative image": lambda g, x: g.node(
        "MaxPool", g.node("Mul", x, _const(g, -1.0)), kernel_shape=[2, 2]
    ),
    "average pool": lambda g, x: g.node("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2]),
    "average pool, padded": lambda g, x: g.node(
        "AveragePool", x, kernel_shape=[2, 2], pads=[1, 1, 0, 0], count_include_pad=1
    ),
    "global average": lambda g, x: g.node("GlobalAveragePool", x),
    "global max": lambda g, x: g.node("GlobalMaxPool", x),
    "reduce mean": lambda g, x: g.node("ReduceMean", x, _ints(g, 2, 3), keepdims=0),
    "reduce mean, kept": lambda g, x: g.node("ReduceMean", x, _ints(g, -1, -2), keepdims=1),
    "reduce sum, nhwc": lambda g, x: g.node(
        "ReduceSum", g.node("Transpose", x, perm=[0, 2, 3, 1]), _ints(g, 1, 2), keepdims=0
    ),
    "reduce max": lambda g, x: g.node("ReduceMax", x, _ints(g, 2, 3), keepdims=0),
    "mul": lambda g, x: g.node("Mul", x, _const(g, 0.5, 2.0)),
    "constant first": lambda g, x: g.node("Mul", _const(g, 0.5), x),
    "constant minus": lambda g, x: g.node("Sub", _const(g, 100.0, 3.0), x),
    "minus constant": lambda g, x: g.node("Sub", x, _const(g, 100.0, 3.0)),
    "div": lambda g, x: g.node("Div", x, _const(g, 3.0, 255.0)),
    "zero channel": lambda g, x: g.node("Mul", x, _const(g, 0.0, 1.0)),
    "relu": lambda g, x: g.node("Relu", g.node("Sub", x, _const(g, 100.0))),
    "clip": lambda g, x: g.node("Clip", x, g.constant(50.0), g.constant(100.0)),
    "batch norm": lambda g, x: g.node(
        "BatchNormalization",
        x,
        *(g.constant(v) for v in ([1.0, -0.5], [3.0, 1.0], [100.0, 90.0], [4.0, 16.0])),
    ),
    "add of itself": lambda g, x: g.node("Add", x, x),
    "sub of branches": lambda g, x: g.node(
        "Sub", quantized(g, x), quantized(g, g.node("Mul", x, _const(g, 0.25)))
    ),
    "sum of three": lambda g, x: g.node("Sum", x, quantized(g, x), quantized(g, x, bits=2)),
    "concat": lambda g, x: g.node("Concat", quantized(g, x), _quant_conv(g, x), axis=1),
    "concat of vectors": lambda g, x: g.node(
        "Concat", g.node("Flatten", x), g.node("Flatten", quantized(g, x)), axis=1
    ),
    "concat, nhwc": lambda g, x: g.node(
        "Concat",
        *(g.node("Transpose", t, perm=[0, 2, 3, 1]) for t in (x, quantized(g, x))),
        axis=3,
    ),
    "padding, then conv": lambda g, x: _conv(g, g.node("Pad", x, _ints(g, 0, 0, 1, 0, 0, 0, 0, 2))),
    "padding, then a counted average": lambda g, x: g.node(
        "AveragePool",
        g.node("Pad", x, _ints(g, 0, 0, 1, 0, 0, 0, 0, 2)),
        kernel_shape=[3, 3],
        pads=[1, 2, 1, 0],
        count_include_pad=1,
    ),
    "padding alone": lambda g, x: g.node("Pad", x, _ints(g, 0, 0, 1, 0, 0, 0, 0, 2)),
    "padding twice": lambda g, x: _conv(
        g,
        g.node(
            "Pad",
            g.node("Pad", x, _ints(g, 0, 0, 1, 2, 0, 0, 2, 1)),
            _ints(g, 0, 0, 2, 1, 0, 0, 1, 2),
        ),
    ),
    "padding, nhwc": lambda g, x: g.node(
        "Pad", g.node("Transpose", x, perm=[0, 2, 3, 1]), _ints(g, 0, 1, 0, 0, 0, 0, 2, 0)
    ),
    "padding, then quant": lambda g, x: quantized(
        g, g.node("Pad", x, _ints(g, 0, 0, 1, 0, 0, 0, 0, 2))
    ),
    "padding by axes": lambda g, x: g.node("Pad", x, _ints(g, 1, 2), g.constant(0.0), _ints(g, 3)),
    "padding of an offset": lambda g, x: _conv(
        g, g.node("Sub", x, _const(g, 128.0, 3.0)), pads=[1, 1, 1, 1]
    ),
    "an offset, scales by input": lambda g, x: g.node(
        "Conv",
        g.node("Sub", x, _const(g, 128.0, 3.0)),
        weights(g, (3, 2, 3, 3), scale=np.array([0.125, 0.5]).reshape(1, 2, 1, 1)),
    ),
    "sign, often of 0": lambda g, x: g.node(
        "Sign", g.quant(g.node("Sub", x, g.constant(128.0)), 64.0, 3, signed=True)
    ),
    "channel shuffle": lambda g, x: g.node(
        "Reshape",
        g.node(
            "Transpose",
            g.node("Reshape", _conv(g, x), _ints(g, 1, 2, 2, 4, 5)),
            perm=[0, 2, 1, 3, 4],
        ),
        _ints(g, 1, 4, 4, 5),
    ),
    "shuffle, then conv": lambda g, x: _conv(g, CASES["channel shuffle"](g, x)),
    "slice": lambda g, x: g.node(
        "Slice", _conv(g, x), _ints(g, 1), _ints(g, 4), _ints(g, 1), _ints(g, 2)
    ),
    "gather": lambda g, x: g.node("Gather", _conv(g, x), _ints(g, 3, 1), axis=1),
    "reshape": lambda g, x: g.node("Reshape", x, _ints(g, 0, -1)),
    "squeeze": lambda g, x: g.node("Squeeze", g.node("GlobalMaxPool", x), _ints(g, 2, 3)),
    "unsqueeze": lambda g, x: g.node("Unsqueeze", x, _ints(g, 1)),
    "flatten from nhwc": lambda g, x: g.node(
        "Flatten", g.node("Transpose", x, perm=[0, 2, 3, 1]), axis=1
    ),
    "pixelwise matmul": lambda g, x: g.node(
        "MatMul", g.node("Transpose", x, perm=[0, 2, 3, 1]), weights(g, (2, 5))
    ),
    "conv of a vector": lambda g, x: g.node(
        "Conv",
        g.node("Unsqueeze", _quant_gemm(g, x), _ints(g, 2, 3)),
        weights(g, (6, 5, 1, 1)),
    ),
    "split": lambda g, x: g.node("Concat", *reversed(_split(g, _conv(g, x))), axis=1),
    "hard clip of integers": lambda g, x: g.node(
        "AveragePool", g.node("Clip", x, g.constant(50.0), g.constant(100.0)), kernel_shape=[2, 2]
    ),
    "max pool of a constant channel": lambda g, x: _conv(
        g,
        g.node("Clip", g.node("Mul", x, _const(g, 0.0, 1.0)), g.constant(2.0), g.constant(100.0)),
    ),
    "features with factors": lambda g, x: g.node(
        "Mul", g.node("Flatten", x), g.constant(np.arange(84) % 3 / 2)
    ),
    "gemm and one bias for all": lambda g, x: g.node(
        "Gemm", g.node("Flatten", x), weights(g, (84, 12)), g.constant(0.7), alpha=0.5
    ),
    "gemm of features of several scales": lambda g, x: g.node(
        "MatMul",
        g.node("Add", g.node("Flatten", x), g.constant(np.arange(84) % 2 * 4.0)),
        weights(g, (84, 4), scale=2.0 ** (np.arange(84).reshape(84, 1) % 3)),
    ),
    "sum of vectors of several sources": lambda g, x: g.node(
        "Add", _quant_gemm(g, x), g.node("Flatten", quantized(g, _to_five(g, x)))
    ),
    "sum of shuffled images": lambda g, x: g.node(
        "Add", CASES["channel shuffle"](g, x), CASES["channel shuffle"](g, x)
    ),
    "sum of an image and its channels": lambda g, x: g.node(
        "Add", _conv(g, x), CASES["channel shuffle"](g, x)
    ),
    "negative vector": lambda g, x: _twice(g, g.node("Neg", _quant_gemm(g, x))),
    "channels with a filter alike": lambda g, x: g.node(
        "Conv", x, g.constant(np.array([0.171, 0.342, 0, 0, 0.3331, -0.3331]).reshape(3, 2, 1, 1))
    ),
    "no padding": lambda g, x: g.node("Pad", x, _ints(g, *[0] * 8)),
    "dequantized channels": lambda g, x: g.node("Conv", x, _dequantized(g)),
    "weights with half a zero point": lambda g, x: g.node(
        "Conv",
        x,
        g.quant(g.constant(np.arange(8.0).reshape(4, 2, 1, 1)), 1.0, 4, signed=True, zero=0.5),
    ),
    "identity": lambda g, x: g.node("Identity", x),
    "dropout": lambda g, x: g.node("Dropout", x),
}


def _split(g: GraphWriter, x: str) -> list[str]:
    names = ["first", "second"]
    g.nodes.append(helper.make_node("Split", [x], names, "Split_own", axis=1, num_outputs=2))
    g.values |= dict(zip(names, np.split(g.values[x], 2, axis=1), strict=True))
    return names


def _to_five(g: GraphWriter, x: str) -> str:
    return g.node("GlobalMaxPool", g.node("Conv", x, weights(g, (5, 2, 1, 1))))


def _twice(g: GraphWriter, x: str) -> str:
    return g.node("Concat", quantized(g, x, signed=True), quantized(g, x, signed=True), axis=1)


def _dequantized(g: GraphWriter) -> str:
    codes = g.constant(np.int64(0))
    g.values[codes] = np.arange(-4, 4, dtype=np.int8).reshape(4, 2, 1, 1)
    g.constants[-1].CopyFrom(numpy_helper.from_array(g.values[codes], codes))
    return g.node("DequantizeLinear", codes, g.constant([0.5, 0.25, 1.0, 0.5]), axis=0)


def _quant_conv(g: GraphWriter, x: str) -> str:
    pads = {"pads": [1, 1, 1, 1]}
    return quantized(g, _conv(g, x, **pads), signed=True)


def _quant_gemm(g: GraphWriter, x: str) -> str:
    flat = g.node("Flatten", x)
    rows = weights(g, (5, g.values[flat].shape[1]))
    bias = g.constant([2.0, 0.25, -1.0, 8.0, 0.0])
    return quantized(g, g.node("Gemm", flat, rows, bias, transB=1, alpha=0.5, beta=2.0))


@pytest.mark.parametrize("name", CASES)
def test_layer_equals_its_execution(name: str) -> None:
    layer = CASES[name]

    def body(graph: GraphWriter, x: str) -> str:
        found = layer(graph, x)
        return quantized(graph, found, signed=bool((graph.values[found] < 0).any()))

    assert_equal(single(body, (1, 2, 6, 7)))


@pytest.mark.parametrize("name", [name for name in CASES if name not in UNQUANTIZED])
def test_layer_without_a_quantizer_behind_it(name: str) -> None:
    assert_equal(single(CASES[name], (1, 2, 6, 7)))


def _fork(g: GraphWriter, x: str) -> str:
    start = quantized(g, _conv(g, x, pads=[1, 1, 1, 1]), signed=True)
    branch = _conv(g, start, pads=[1, 1, 1, 1])
    total = g.node("Add", g.node("Mul", branch, _const(g, 1, -1, 0.5, 2)), start)
    return quantized(g, g.node("Relu", total))


def test_a_sum_has_factors_for_each_channel_where_scales_differ() -> None:
    network = assert_equal(single(_fork, (1, 2, 6, 7)))
    (add,) = (item for item in network.operations if isinstance(item, Add))
    assert add.factors == (1, 1)
    (factors,) = (item for item in network.operations if "factor" in item.name)
    assert isinstance(factors, Convolution)
    assert factors.depthwise


def _shared_negative(g: GraphWriter, x: str) -> str:
    sums = _conv(g, x)
    negative = quantized(g, g.node("Mul", sums, _const(g, -1.0)))
    return g.node("Concat", negative, quantized(g, sums), axis=1)


def test_a_negative_scale_behind_a_shared_layer_is_turned_by_a_layer_of_its_own() -> None:
    network = assert_equal(single(_shared_negative, (1, 2, 6, 7)))
    assert any(isinstance(item, Concat) for item in network.operations)


def test_a_negative_scale_turns_the_weights_before_it() -> None:
    def body(g: GraphWriter, x: str) -> str:
        return quantized(g, g.node("Mul", _conv(g, x), _const(g, -1.0)))

    network = assert_equal(single(body, (1, 2, 6, 7)))
    kinds = [type(item).__name__ for item in network.operations]
    assert kinds == ["Convolution", "Threshold", "Flatten", "Dense"]


def test_a_second_quantizer_of_the_same_levels_is_dropped() -> None:
    def body(g: GraphWriter, x: str) -> str:
        once = g.quant(x, 16.0, 4, signed=False)
        return g.quant(g.quant(once, 16.0, 4, signed=False), 8.0, 6, signed=True)

    network = assert_equal(single(body, (1, 1, 3, 3)))
    assert sum(isinstance(item, Threshold) for item in network.operations) == 1


def test_an_eight_bit_input_quantizer_of_a_rounded_scale_is_dropped() -> None:
    def body(g: GraphWriter, x: str) -> str:
        return g.quant(g.node("Div", x, g.constant(255.0)), 1 / 255, 8, signed=False)

    network = assert_equal(single(body, (1, 1, 3, 3)))
    assert not any(isinstance(item, Threshold) for item in network.operations)


def test_pools_read_their_input_before_it_is_quantized() -> None:
    def body(g: GraphWriter, x: str) -> str:
        sums = g.node("Relu", _conv(g, x))
        return quantized(g, g.node("MaxPool", sums, kernel_shape=[2, 2]))

    network = assert_equal(single(body, (1, 2, 6, 7)))
    assert [type(item) for item in network.operations[:3]] == [Convolution, MaxPool, Threshold]


def test_weights_of_zeros_give_logits_of_zeros() -> None:
    def body(g: GraphWriter, x: str) -> str:
        return g.node("Conv", x, g.constant(np.zeros((3, 2, 1, 1))))

    network = lower(single(body, (1, 2, 6, 7))).network
    assert not network.logits(pictures(network, 2)).any()


def test_an_average_is_a_sum_with_a_smaller_scale() -> None:
    body: Body = CASES["average pool"]
    network = assert_equal(single(body, (1, 2, 6, 7)))
    assert isinstance(network.operations[0], SumPool)
