# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Quantizers of data: the thresholds against qonnx's own functions, ties included."""

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from agreement import assert_equal, quantized, single, weights
from hypothesis import given
from hypothesis import strategies as st
from onnx import helper, numpy_helper
from qonnx.custom_op.general.intquant import int_quant
from qonnx.custom_op.general.trunc import trunc_v1, trunc_v2

from flow.errors import FlowError
from flow.integer import Convolution, Interval, Threshold
from flow.lowering import lower
from flow.lowering._quantizers import levels
from flow.lowering._staircase import ROUNDINGS, Staircase, integer_thresholds, round_steps, uniform
from flow.lowering._trunc import _after_rounding
from flow.lowering._values import INFINITY, Value, objects, rationals
from flow.lowering.graph_writer import GraphWriter

SPAN = Interval(-40, 40)
_ONE = np.ones((1, 1, 1, 1))
MODES = sorted(set(ROUNDINGS) - {"ROUND_TO_ZERO"})  # qonnx knows that one as DOWN
eighths = st.integers(-32, 32).map(lambda value: Fraction(value, 8))
positive = st.integers(1, 24).map(lambda value: Fraction(value, 8))


def _value(scale: Fraction, offset: Fraction, bounds: tuple[float, float]) -> Value:
    lo, hi = (objects([Fraction(bound) if abs(bound) < INFINITY else bound]) for bound in bounds)
    plain = Value.plain("x", (1,), np.zeros((1, 1), int), rationals([scale]), rationals([offset]))
    return Value(plain.source, plain.shape, plain.index, plain.scale, plain.offset, lo, hi)


def _counts(stairs: Staircase, value: Value) -> np.ndarray:
    thresholds = integer_thresholds(stairs, value, SPAN)
    assert thresholds.min(initial=SPAN.lo) >= SPAN.lo
    assert thresholds.max(initial=SPAN.hi) <= SPAN.hi + 1
    span = np.arange(SPAN.lo, SPAN.hi + 1)
    return stairs.first + (span[:, None] >= thresholds).sum(axis=1)


@given(
    scale=positive | st.just(Fraction(0)),
    offset=eighths,
    grid=st.tuples(st.sampled_from([0.25, 1.0, 2.0]), st.integers(-3, 3)),
    quantizer=st.tuples(st.integers(2, 6), st.sampled_from(MODES), st.booleans(), st.booleans()),
    bounds=st.sampled_from([(-INFINITY, INFINITY), (0.0, INFINITY), (-1.0, 1.0), (0.0, 6.0)]),
)
def test_quant_thresholds_equal_qonnx_s_quantizer(
    scale: Fraction,
    offset: Fraction,
    grid: tuple[float, int],
    quantizer: tuple[int, str, bool, bool],
    bounds: tuple[float, float],
) -> None:
    step, zero = grid
    bits, mode, signed, narrow = quantizer
    own = levels(bits, signed=signed, narrow=narrow)
    stairs = uniform(own, round_steps(mode), [Fraction(step)], [Fraction(zero)])
    found = _counts(stairs, _value(scale, offset, bounds))
    real = np.arange(SPAN.lo, SPAN.hi + 1) * float(scale) + float(offset)  # exact: eighths
    operands = (real.clip(*bounds), step, float(zero), np.float64(bits))
    expected = int_quant(*operands, signed, narrow, mode) / step + zero
    np.testing.assert_array_equal(found, expected)


@given(
    scale=positive,
    offset=eighths,
    shift=st.integers(1, 3),
    mode=st.sampled_from(MODES),
    version=st.sampled_from([1, 2]),
)
def test_trunc_thresholds_equal_qonnx_s(
    scale: Fraction, offset: Fraction, shift: int, mode: str, version: int
) -> None:
    own = levels(4, signed=True, narrow=False)
    reach = _after_rounding(round_steps(mode), shift)
    found = _counts(
        uniform(own, reach, [Fraction(1)], [Fraction(0)]),
        _value(scale, offset, (-INFINITY, INFINITY)),
    )
    real = np.arange(SPAN.lo, SPAN.hi + 1) * float(scale) + float(offset)
    if version == 1:
        expected = trunc_v1(real, 1.0, 0.0, 4 + shift, 4, mode).clip(own[0], own[-1])
    else:
        output = 2.0**shift
        expected = trunc_v2(real, 1.0, 0.0, 8, 0, 1, output, np.float64(4), mode) / output
    np.testing.assert_array_equal(found, expected)


def _quant(graph: GraphWriter, x: str, **settings: object) -> str:
    defaults: dict[str, object] = {"scale": 8.0, "bits": 4, "signed": False}
    return graph.quant(x, **{**defaults, **settings})  # type: ignore[arg-type]


def _bipolar(graph: GraphWriter, x: str) -> str:
    centred = graph.node("Sub", x, graph.constant(np.array([80.0, 120.0]).reshape(2, 1, 1)))
    return graph.node("BipolarQuant", centred, graph.constant(0.25))


def _thresholds(graph: GraphWriter, x: str, rows: object, **attributes: object) -> str:
    table = graph.constant(np.asarray(rows, dtype=float))
    return graph.node("MultiThreshold", x, table, out_dtype="FLOAT32", **attributes)


def _typed(graph: GraphWriter, value: int, kind: type) -> str:
    """Add a constant of an integer type."""
    name = graph.constant(np.int64(0))
    graph.values[name] = np.array(value, dtype=kind)
    graph.constants[-1].CopyFrom(numpy_helper.from_array(graph.values[name], name))
    return name


def _qcdq(graph: GraphWriter, x: str, *, clip: bool, zero: int, kind: type = np.int8) -> str:
    scale, point = graph.constant(20.0), _typed(graph, zero, kind)
    codes = graph.node("QuantizeLinear", x, scale, point)
    if clip:
        codes = graph.node("Clip", codes, *(_typed(graph, bound, kind) for bound in (-5, 6)))
    return graph.node("DequantizeLinear", codes, scale, point)


CASES: dict[str, Callable[[GraphWriter, str], str]] = {
    "signed": lambda g, x: _quant(
        g, g.node("Sub", x, g.constant(128.0)), signed=True, narrow=False
    ),
    "narrow": lambda g, x: _quant(g, x, narrow=True),
    "one bit": lambda g, x: _quant(g, x, bits=1, scale=128.0),
    "one signed bit": lambda g, x: _quant(
        g, g.node("Sub", x, g.constant(128.0)), bits=1, signed=True
    ),
    "eight bits": lambda g, x: _quant(g, x, bits=8, scale=0.37),
    "twelve bits": lambda g, x: _quant(g, x, bits=12, scale=0.7),
    "zero point": lambda g, x: _quant(g, x, zero=3.0),
    "fractional zero point": lambda g, x: _quant(g, x, zero=2.5),
    "channel scales": lambda g, x: _quant(g, x, scale=np.array([4.0, 8.0]).reshape(1, 2, 1, 1)),
    "channel zero points": lambda g, x: _quant(g, x, zero=np.array([1.0, 4.0]).reshape(2, 1, 1)),
    "bipolar": _bipolar,
    "bipolar twice": lambda g, x: g.node("BipolarQuant", _bipolar(g, x), g.constant(0.25)),
    "multi threshold": lambda g, x: _thresholds(g, x, [[10.0, 30, 30.5], [7, 90, 200]]),
    "one row of thresholds": lambda g, x: _thresholds(
        g, x, [[10.0, 30, 30.5]], out_scale=0.5, out_bias=-1.0
    ),
    "unsorted thresholds": lambda g, x: _thresholds(g, x, [[90.0, 30, 200]], out_bias=0.5),
    "bipolar thresholds": lambda g, x: _thresholds(
        g, x, [[90.0], [40.0]], out_scale=2.0, out_bias=-1.0
    ),
    "thresholds, nhwc": lambda g, x: _thresholds(
        g,
        g.node("Transpose", x, perm=[0, 2, 3, 1]),
        [[10.0, 30, 30.5], [7, 90, 200]],
        data_layout="NHWC",
    ),
    "sign": lambda g, x: g.node("Sign", g.node("Sub", x, g.constant(100.0))),
    "quantize linear": lambda g, x: _qcdq(g, x, clip=False, zero=-3),
    "unsigned quantize linear": lambda g, x: _qcdq(g, x, clip=False, zero=2, kind=np.uint8),
    "quantize, clip, dequantize": lambda g, x: _qcdq(g, x, clip=True, zero=1),
}


@pytest.mark.parametrize("name", CASES)
def test_quantizer_equals_its_execution(name: str) -> None:
    assert_equal(single(CASES[name], (1, 2, 5, 4)))


@pytest.mark.parametrize(("again", "counts"), [(0.25, 1), (0.5, 2)])
def test_a_second_bipolar_quantizer_on_the_same_levels_is_nothing(
    again: float, counts: int
) -> None:
    model = single(
        lambda g, x: g.node("BipolarQuant", _bipolar(g, x), g.constant(again)), (1, 2, 5, 4)
    )
    operations = lower(model).network.operations
    assert sum(isinstance(one, Threshold) for one in operations) == counts


@pytest.mark.parametrize("name", ["zero point", "bipolar", "quantize, clip, dequantize"])
def test_its_levels_can_be_padded_with_zeros(name: str) -> None:
    def body(graph: GraphWriter, x: str) -> str:
        found = CASES[name](graph, x)
        kernel = weights(graph, (3, 2, 3, 3))
        sums = graph.node("Conv", found, kernel, pads=[1, 1, 1, 1])
        return quantized(graph, sums, signed=True)

    assert_equal(single(body, (1, 2, 5, 4)))


def test_a_clip_behind_quantize_linear_costs_no_thresholds() -> None:
    network = assert_equal(single(CASES["quantize, clip, dequantize"], (1, 2, 5, 4)))
    (threshold,) = (item for item in network.operations if isinstance(item, Threshold))
    assert threshold.thresholds.shape[1] == 11


def test_a_clamp_of_integers_becomes_thresholds() -> None:
    def body(graph: GraphWriter, x: str) -> str:
        levels = graph.quant(
            graph.node("Sub", x, graph.constant(128.0)), 16.0, 4, signed=True, narrow=False
        )
        clipped = graph.node("Clip", levels, graph.constant(-32.0), graph.constant(48.0))
        return graph.node("AveragePool", clipped, kernel_shape=[2, 2])

    network = assert_equal(single(body, (1, 2, 5, 4)))
    clamp = next(item for item in network.operations if item.name.endswith("clamp"))
    assert isinstance(clamp, Threshold)
    assert (clamp.offset, clamp.thresholds.shape[1]) == (-2, 5)


def test_a_quantizer_that_clips_a_negative_scale_is_kept() -> None:
    def body(graph: GraphWriter, x: str) -> str:
        sums = graph.node("Conv", graph.quant(x, 16.0, 4, signed=False), graph.constant(_ONE))
        return graph.quant(graph.node("Mul", sums, graph.constant(-1.0)), 16.0, 4, signed=True)

    network = assert_equal(single(body, (1, 1, 3, 3)))
    assert [type(item) for item in network.operations][:3] == [Threshold, Convolution, Threshold]


def test_a_quantizer_is_kept_where_zero_padding_needs_its_zero() -> None:
    def body(graph: GraphWriter, x: str) -> str:
        coarse = graph.quant(x, 64.0, 2, signed=False)
        shifted = graph.quant(
            graph.node("Add", coarse, graph.constant(16.0)), 16.0, 8, signed=False
        )
        return graph.node("Conv", shifted, weights(graph, (2, 1, 3, 3)), pads=[1, 1, 1, 1])

    assert_equal(single(body, (1, 1, 4, 4)))


def test_trunc_to_an_output_scale() -> None:
    model = single(_trunc_v2, (1, 1, 3, 3))
    for opset in model.model.opset_import:
        opset.version = 2 if opset.domain else opset.version
    assert_equal(model)


def test_trunc_of_channels_that_need_different_shifts_is_refused() -> None:
    scales = np.array([1.0, 2.0]).reshape(1, 2, 1, 1)

    def body(graph: GraphWriter, x: str) -> str:
        return _trunc_v2(graph, graph.quant(x, scales, 8, signed=False), scales)

    model = single(body, (1, 2, 3, 3))
    for opset in model.model.opset_import:
        opset.version = 2 if opset.domain else opset.version
    with pytest.raises(FlowError, match="its channels are shifted by different numbers of bits"):
        lower(model)


def _trunc_v2(graph: GraphWriter, x: str, scale: object = 1.0) -> str:
    operands = [graph.constant(value) for value in (scale, 0.0, 8.0, 16.0, 4.0)]
    output = "truncated"
    node = helper.make_node(
        "Trunc",
        [x, *operands],
        [output],
        "Trunc_own",
        domain="qonnx.custom_op.general",
        rounding_mode="FLOOR",
        signed=0,
        narrow=0,
    )
    graph.nodes.append(node)
    read = (scale, 0.0, 8, 0, 0, 16.0, np.float64(4), "FLOOR")
    graph.values[output] = trunc_v2(graph.values[x], *read).astype(np.float32)
    return output
