# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Crops, strides, upsampling, joins and averages at the border, against qonnx's execution."""

from collections.abc import Callable

import numpy as np
import pytest
from agreement import assert_equal, quantized, single, weights

from flow.errors import FlowError
from flow.integer import Concat, Gather, Scale
from flow.lowering import lower
from flow.lowering.graph_writer import GraphWriter

Layer = Callable[[GraphWriter, str], str]
SHAPE = (1, 2, 7, 6)


def _ints(graph: GraphWriter, *values: int) -> str:
    return graph.constant(np.array(values, dtype=np.int64))


def _conv(graph: GraphWriter, x: str, **attributes: object) -> str:
    groups = int(str(attributes.get("group", 1)))
    channels = graph.values[x].shape[1]
    shape = (4 if groups == 1 else channels, channels // groups, 3, 3)
    return graph.node("Conv", x, weights(graph, shape), kernel_shape=[3, 3], **attributes)


def _slice(graph: GraphWriter, x: str, *bounds: list[int]) -> str:
    """Bounds are starts, ends, axes and, if not 1, steps."""
    return graph.node("Slice", x, *(_ints(graph, *values) for values in bounds))


def _resize(graph: GraphWriter, x: str, *scales: float, **attributes: str) -> str:
    factors = graph.constant([1.0, 1.0, *scales])
    return graph.node("Resize", x, "", factors, mode="nearest", **attributes)


def _average(graph: GraphWriter, x: str, **attributes: object) -> str:
    return graph.node("AveragePool", x, **{"kernel_shape": [3, 3], **attributes})


def _u_net(graph: GraphWriter, x: str) -> str:
    """Down by two, up by two, and joined with what it was."""
    skip = quantized(graph, _conv(graph, x, pads=[1, 1, 1, 1]), signed=True)
    skip = _slice(graph, skip, [0], [6], [2])
    small = graph.node("MaxPool", skip, kernel_shape=[2, 2], strides=[2, 2])
    small = quantized(graph, _conv(graph, small, pads=[1, 1, 1, 1]), signed=True)
    return _conv(graph, graph.node("Concat", _resize(graph, small, 2.0, 2.0), skip, axis=1))


_FLOOR = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
CASES: dict[str, Layer] = {
    "border average": lambda g, x: _average(g, x, pads=[1, 1, 1, 1]),
    "border average with a stride": lambda g, x: _average(g, x, pads=[1, 1, 1, 1], strides=[2, 2]),
    "uneven border": lambda g, x: _average(g, x, pads=[2, 0, 1, 1], strides=[1, 2]),
    "border average, same": lambda g, x: _average(g, x, auto_pad="SAME_LOWER", strides=[2, 2]),
    "average, ceil": lambda g, x: _average(g, x, kernel_shape=[2, 2], strides=[2, 4], ceil_mode=1),
    "counted border, ceil": lambda g, x: _average(
        g, x, strides=[2, 2], pads=[1, 0, 1, 1], ceil_mode=1, count_include_pad=1
    ),
    "counted border, a window beyond it": lambda g, x: _average(
        g, x, strides=[2, 2], pads=[1, 1, 1, 1], ceil_mode=1, count_include_pad=1
    ),
    "border, ceil": lambda g, x: _average(g, x, strides=[2, 2], pads=[0, 1, 1, 1], ceil_mode=1),
    "border average of an offset": lambda g, x: _average(
        g, g.node("Sub", x, g.constant(100.5)), pads=[1, 1, 1, 1]
    ),
    "border average of padding": lambda g, x: _average(
        g, g.node("Pad", x, _ints(g, 0, 0, 1, 0, 0, 0, 0, 2)), pads=[1, 1, 1, 1]
    ),
    "crop": lambda g, x: _slice(g, x, [1, 1], [6, -1], [2, 3]),
    "crop from the end": lambda g, x: _slice(g, x, [-5, -4], [-1, 99], [2, 3]),
    "strides": lambda g, x: _slice(g, x, [0, 1], [99, 99], [-2, -1], [2, 3]),
    "crop of channels and places": lambda g, x: _slice(g, x, [1, 2], [2, 7], [1, 3]),
    "crop, nhwc": lambda g, x: _slice(
        g, g.node("Transpose", x, perm=[0, 2, 3, 1]), [1, 2], [5, 6], [1, 2]
    ),
    "space to depth": lambda g, x: _conv(
        g, g.node("SpaceToDepth", _slice(g, x, [1, 0], [7, 8], [2, 3]), blocksize=2)
    ),
    "crop, then conv": lambda g, x: _conv(g, _slice(g, _conv(g, x), [1], [99], [3])),
    "negative padding": lambda g, x: g.node("Pad", x, _ints(g, 0, 0, -1, 2, 0, 0, -2, -1)),
    "rows": lambda g, x: g.node("Gather", x, _ints(g, 0, 2, 3, 6), axis=2),
    "one row": lambda g, x: g.node("Gather", x, g.constant(np.int64(3)), axis=2),
    "halves": lambda g, x: g.node("Add", *_halves(g, quantized(g, x))),
    "upsampling": lambda g, x: _resize(g, x, 2.0, 2.0, **_FLOOR),
    "uneven upsampling": lambda g, x: _resize(g, x, 3.0, 2.0, **_FLOOR),
    "upsampling of height": lambda g, x: _resize(g, x, 3.0, 1.0, **_FLOOR),
    "half-pixel upsampling": lambda g, x: _resize(g, x, 2.0, 4.0),
    "upsampling by ceil": lambda g, x: _resize(
        g, x, 2.0, 3.0, coordinate_transformation_mode="asymmetric", nearest_mode="ceil"
    ),
    "fractional upsampling": lambda g, x: _resize(g, x, 1.5, 2.5),
    "downsampling": lambda g, x: _resize(g, x, 0.5, 0.4),
    "upsampling to a size": lambda g, x: g.node(
        "Resize", x, "", "", _ints(g, 1, 2, 14, 18), mode="nearest", **_FLOOR
    ),
    "upsampling, nhwc": lambda g, x: g.node(
        "Resize", g.node("Transpose", x, perm=[0, 2, 3, 1]), "",
        g.constant([1.0, 2.0, 2.0, 1.0]), mode="nearest", **_FLOOR,
    ),
    "upsampling, then conv": lambda g, x: _conv(
        g, _resize(g, quantized(g, _conv(g, x), signed=True), 2.0, 2.0), pads=[1, 1, 1, 1]
    ),
    "crop of an upsampling": lambda g, x: _conv(
        g, _slice(g, _resize(g, x, 2.0, 2.0, **_FLOOR), [1, 3], [99, 12], [2, 3])
    ),
    "concat of heights": lambda g, x: g.node("Concat", x, quantized(g, x), axis=2),
    "concat of widths": lambda g, x: _conv(g, g.node("Concat", quantized(g, x), x, x, axis=3)),
    "concat of heights, nhwc": lambda g, x: g.node(
        "Concat", *(g.node("Transpose", t, perm=[0, 2, 3, 1]) for t in (x, quantized(g, x))), axis=1
    ),
    "concat of heights without a common scale": lambda g, x: _conv(
        g,
        g.node(
            "Concat", *(g.quant(x, scale, 4, signed=False) for scale in (12.34567, 17.654321)),
            axis=2,
        ),
    ),
    "concat of shifted levels": lambda g, x: g.node(
        "Concat", g.node("Sub", x, g.constant(3.0)), g.node("Mul", x, g.constant(0.5)), axis=3
    ),
    "concat of heights of several scales, then conv": lambda g, x: _conv(
        g,
        g.node(
            "Concat",
            quantized(g, x),
            quantized(g, _conv(g, x, pads=[1, 1, 1, 1], group=2), signed=True),
            axis=2,
        ),
    ),
    "mean of rows": lambda g, x: g.node("ReduceMean", x, _ints(g, 3), keepdims=0),
    "max of columns": lambda g, x: g.node("ReduceMax", x, _ints(g, 2), keepdims=1),
    "part of a vector": lambda g, x: _slice(g, g.node("Flatten", x), [3], [-20], [1]),
    "strided vector": lambda g, x: _slice(g, g.node("Flatten", x), [1], [80], [1], [3]),
    "reversed vector": lambda g, x: _slice(g, g.node("Flatten", x), [-1], [-99], [1], [-1]),
    "vector to an image": lambda g, x: _conv(
        g, g.node("Reshape", _quant_gemm(g, x), _ints(g, 1, 1, 4, 3))
    ),
    "u-net": _u_net,
}  # fmt: skip


def _halves(g: GraphWriter, x: str) -> list[str]:
    return [_slice(g, x, [0], [3], [3]), _slice(g, x, [3], [6], [3])]


def _quant_gemm(g: GraphWriter, x: str) -> str:
    flat = g.node("Flatten", x)
    sums = g.node("MatMul", flat, weights(g, (g.values[flat].shape[1], 12)))
    return quantized(g, sums, signed=True)


@pytest.mark.parametrize("name", CASES)
def test_a_layer_equals_its_execution(name: str) -> None:
    def body(graph: GraphWriter, x: str) -> str:
        found = CASES[name](graph, x)
        return quantized(graph, found, signed=bool((graph.values[found] < 0).any()))

    assert_equal(single(body, SHAPE))


@pytest.mark.parametrize(
    "mode", ["half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"]
)
@pytest.mark.parametrize("nearest", ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"])
def test_every_nearest_mode_takes_the_pixels_that_its_execution_takes(
    mode: str, nearest: str
) -> None:
    def body(graph: GraphWriter, x: str) -> str:
        attributes = {"coordinate_transformation_mode": mode, "nearest_mode": nearest}
        return _resize(graph, x, 3.0, 2.0, **attributes)

    assert_equal(single(body, (1, 1, 3, 4)))


@pytest.mark.parametrize("opset", [11, 19])
def test_a_window_beyond_counted_padding_has_the_divisor_of_its_opset(opset: int) -> None:
    model = single(CASES["counted border, a window beyond it"], SHAPE)
    for item in model.model.opset_import:
        item.version = opset if item.domain == "" else item.version
    scales = [o for o in assert_equal(model).operations if isinstance(o, Scale)]
    assert bool(scales) == (opset >= 19)


def test_operations_are_the_fewest_that_do_it() -> None:
    def kinds(name: str) -> list[type]:
        operations = lower(single(CASES[name], SHAPE)).network.operations
        return [type(item) for item in operations if isinstance(item, Gather | Scale | Concat)]

    assert kinds("crop") == [Gather]
    assert kinds("border average") == [Scale]
    assert kinds("concat of heights, nhwc") == [Concat]
    assert kinds("average, ceil") == [Scale]


REFUSALS: dict[str, tuple[Layer, str]] = {
    "reversed rows": (
        lambda g, x: _slice(g, x, [-1], [-99], [2], [-1]),
        r"takes the 7 x 6 places of its input in an order in which they do not arrive; .* negative",
    ),
    "nothing": (lambda g, x: _slice(g, x, [3], [3], [2]), r"it takes no element at all; take at"),
    "linear": (
        lambda g, x: g.node("Resize", x, "", g.constant([1.0, 1.0, 2.0, 2.0]), mode="linear"),
        r"Resize_0 \(Resize\): mode linear mixes pixels with fractions; use mode nearest",
    ),
    "two scales": (
        lambda g, x: g.node(
            "Concat", *(g.quant(x, scale, 4, signed=False) for scale in (1.234567e-6, 7.654321)),
            axis=2,
        ),
        r"its inputs have no common scale: a step of one is \d.* with one shared quantizer",
    ),
    "transposed": (
        lambda g, x: _conv(g, g.node("Transpose", x, perm=[0, 1, 3, 2])),
        r"in an order in which they do not arrive",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals_say_why_and_what_to_do(name: str) -> None:
    layer, message = REFUSALS[name]
    with pytest.raises(FlowError, match=message):
        lower(single(layer, SHAPE))
