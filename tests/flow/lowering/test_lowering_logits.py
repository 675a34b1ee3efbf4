# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The end of the network: decisions, one scale, class offsets."""

import math
import re
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch
from agreement import assert_equal, finished, pictures, quantized, weights
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto
from qonnx.core.modelwrapper import ModelWrapper

from flow.errors import FlowError
from flow.fuzz.agreement import execute
from flow.integer import Bias
from flow.integer.native import NativeNetwork
from flow.lowering import lower
from flow.lowering._units import choose_units
from flow.lowering.graph_writer import GraphWriter


def _head(scale: object = 0.25, *, bits: int = 4) -> tuple[GraphWriter, str]:
    """Return a graph up to three logits, and these."""
    graph = GraphWriter()
    graph.values["images"] = np.arange(12, dtype=np.float32).reshape(1, 1, 3, 4) * 20
    features = graph.node("Flatten", quantized(graph, "images", bits=bits), axis=1)
    return graph, graph.node("MatMul", features, weights(graph, (12, 3), scale=scale))


def _model(graph: GraphWriter, output: str) -> ModelWrapper:
    return finished(graph, (1, 1, 3, 4), output)


def test_a_common_offset_stays_outside() -> None:
    graph, logits = _head()
    network = assert_equal(_model(graph, graph.node("Add", logits, graph.constant(0.3))))
    assert network.offset == pytest.approx(0.3)
    assert not any(isinstance(item, Bias) for item in network.operations)


@pytest.mark.parametrize(("bias", "factor"), [([8.0, -4.0, 12.0], 1), ([1.0, 2.5, 0.3125], 64)])
def test_class_offsets_on_a_fine_grid_are_exact(bias: list[float], factor: int) -> None:
    graph, logits = _head()
    plain = lower(_model(graph, logits)).network
    shifted = graph.node("Add", logits, graph.constant(bias))
    network = assert_equal(_model(graph, shifted))
    assert network.scale * factor == plain.scale
    assert network.offset == 0
    assert lower(_model(graph, shifted)).notes == ()


def test_other_class_offsets_are_rounded_and_noted() -> None:
    graph, logits = _head()
    shifted = graph.node("Add", logits, graph.constant([0.1234567, 1.7654321, -3.3333333]))
    lowered = lower(_model(graph, shifted))
    (note,) = lowered.notes
    assert note.startswith("the offsets of the classes are rounded to 1/256 of a step of the logit")
    network = lowered.network
    for image in pictures(network, 4):
        found = network.logits(image[None]) * network.scale + network.offset
        expected = execute(_model(graph, shifted), image, nchw=True)
        np.testing.assert_allclose(found, expected, atol=network.scale / 2 + 1e-5)


def test_large_class_offsets_are_counted_from_a_common_one() -> None:
    graph, logits = _head()
    shifted = graph.node("Add", logits, graph.constant([1e9, 1e9 + 1024, 1e9]))
    network = lower(_model(graph, shifted)).network
    (bias,) = (item for item in network.operations if isinstance(item, Bias))
    assert np.abs(bias.values).max() < 2**20
    assert network.offset == pytest.approx(1e9)


def test_class_scales_with_small_ratios_become_one() -> None:
    graph, logits = _head(np.array([[0.25, 0.5, 0.75]]))
    assert_equal(_model(graph, logits))
    graph, logits = _head()
    assert_equal(_model(graph, graph.node("Mul", logits, graph.constant([1.0, -2.0, 0.0]))))


def test_class_scales_behind_a_quantizer_get_a_layer_of_their_own() -> None:
    graph, logits = _head()
    levels = graph.quant(logits, 16.0, 4, signed=True)
    assert_equal(_model(graph, graph.node("Mul", levels, graph.constant([1.0, 2.0, 4.0]))))


def test_class_scales_without_a_common_unit_are_rounded_with_a_bound() -> None:
    graph, logits = _head(np.array([[0.25, 0.1234567, 0.75]]))
    model = _model(graph, graph.node("Add", logits, graph.constant([0.1, 0.7654321, -3.0])))
    lowered = lower(model)
    (note,) = lowered.notes
    bound = float(re.search(r"a logit is off by at most ([0-9.e-]+),", note)[1])  # type: ignore[index]
    network = lowered.network
    assert bound == pytest.approx(lowered.rounding * network.scale, rel=1e-2)
    assert bound <= 16 * 0.1234567 / 16  # a pixel's level is worth 16
    for image in pictures(network, 4):
        found = network.logits(image[None]) * network.scale + network.offset
        expected = execute(model, image, nchw=True)
        np.testing.assert_allclose(found, expected, atol=bound * 1.01 + 1e-5)


@given(
    scales=st.lists(st.floats(2.0**-10, 2.0**10, width=32), min_size=1, max_size=6),
    offset=st.floats(-100, 100, width=32),
    magnitude=st.integers(1, 2**16),
    data=st.data(),
)
@settings(max_examples=60, deadline=None)
def test_units_stay_within_their_error(
    scales: list[float], offset: float, magnitude: int, data: st.DataObject
) -> None:
    exact = [Fraction(scale) for scale in scales]
    offsets = [Fraction(offset) * place for place in range(len(scales))]
    units = choose_units(exact, offsets, magnitude)
    integer = data.draw(st.integers(-magnitude, magnitude))
    classes = zip(exact, offsets, units.multiples, units.biases, strict=True)
    for scale, shift, multiple, bias in classes:
        made = units.unit * (multiple * integer + bias) + units.base
        assert abs(scale * integer + shift - made) <= units.error * units.unit
    assert units.note or not units.error


def test_labels_that_the_rounding_could_change_are_counted() -> None:
    graph, logits = _head(np.array([[0.25, 0.1234567, 0.75]]))
    lowered = lower(_model(graph, logits))
    reach = math.floor(2 * lowered.rounding)
    near, far = [10, 10 - reach, 0], [10, 9 - reach, 0]
    undecided = lowered.undecided(np.array([near, far, near[::-1]], dtype=np.int32))
    np.testing.assert_array_equal(undecided, [True, False, True])
    exact = lower(_model(*_head()))
    assert not exact.undecided(np.zeros((2, 3), dtype=np.int32)).any()


CLAMPS: dict[str, Callable[[GraphWriter, str], str]] = {
    "relu": lambda g, x: g.node("Relu", x),
    "relu of offsets": lambda g, x: g.node(
        "Relu", g.node("Add", x, g.constant([1.0, -2.5, 0.3125]))
    ),
    "clip": lambda g, x: g.node("Clip", x, g.constant(-3.0), g.constant(6.0)),
    "clip from above": lambda g, x: g.node("Clip", x, g.constant(-3e38), g.constant(6.0)),
    "relu and a factor": lambda g, x: g.node("Mul", g.node("Relu", x), g.constant(-0.5)),
}


@pytest.mark.parametrize("name", CLAMPS)
def test_clamped_logits_are_exact(name: str) -> None:
    graph, logits = _head()
    model = _model(graph, CLAMPS[name](graph, logits))
    network = assert_equal(model)
    images = pictures(network, 6)
    twin = network.twin()(torch.from_numpy(images)).detach().numpy()
    np.testing.assert_array_equal(twin, network.logits(images))
    np.testing.assert_array_equal(NativeNetwork(network).logits(images), network.logits(images))


def test_relu_of_rounded_logits_stays_within_the_bound() -> None:
    graph, logits = _head(np.array([[0.25, 0.1234567, 0.75]]))
    model = _model(graph, graph.node("Relu", logits))
    lowered = lower(model)
    network, bound = lowered.network, lowered.rounding * lowered.network.scale
    for image in pictures(network, 4):
        found = network.logits(image[None]) * network.scale + network.offset
        np.testing.assert_allclose(found, execute(model, image, nchw=True), atol=bound + 1e-5)


@pytest.mark.parametrize("name", ["Elu", "LeakyRelu", "Sigmoid", "Softplus", "Tanh", "PRelu"])
def test_a_function_that_keeps_the_order_of_the_logits_is_left_out(name: str) -> None:
    graph, logits = _head()
    slope = [graph.constant(0.25)] if name == "PRelu" else []
    lowered = lower(_model(graph, graph.node(name, logits, *slope)))
    plain = lower(_model(*_head())).network
    images = pictures(plain, 4)
    np.testing.assert_array_equal(lowered.network.logits(images), plain.logits(images))
    assert lowered.notes == (f"{name}_4 ({name}) is left to the reader of the logits",)


def test_slopes_that_change_the_order_of_the_logits_are_refused() -> None:
    graph, logits = _head(bits=8)
    model = _model(graph, graph.node("PRelu", logits, graph.constant([0.3, 1.0, 0.7])))
    with pytest.raises(FlowError, match=r"an activation of \d+ levels before it is not quantized"):
        lower(model)


@pytest.mark.parametrize("offset", [0.0, 0.3, -0.25])
def test_a_single_logit_is_labelled_by_its_sign(offset: float) -> None:
    graph = GraphWriter()
    graph.values["images"] = np.arange(12, dtype=np.float32).reshape(1, 1, 3, 4) * 20
    features = graph.node("Flatten", quantized(graph, "images"), axis=1)
    sums = graph.node("MatMul", features, weights(graph, (12, 1), scale=0.25))
    network = assert_equal(_model(graph, graph.node("Add", sums, graph.constant([offset]))))
    logits = np.arange(-3, 4, dtype=np.int32)[:, None]
    floats = logits[:, 0] * network.scale + network.offset
    np.testing.assert_array_equal(network.labels(logits), floats > 0)


def test_a_rounded_single_logit_is_undecided_as_near_to_zero_as_its_rounding() -> None:
    graph = GraphWriter()
    graph.values["images"] = np.arange(12, dtype=np.float32).reshape(1, 1, 3, 4) * 20
    features = graph.node("Flatten", quantized(graph, "images"), axis=1)
    sums = graph.node("MatMul", features, weights(graph, (12, 1), scale=0.25))
    exact = lower(_model(graph, graph.node("Add", sums, graph.constant([-2.5]))))
    unit = 2.5 / exact.network.scale  # where the logit is 0, in integers
    rounded = replace(exact, rounding=1.5)
    logits = np.rint(unit + np.array([-3, -1.5, 0, 1.5, 3])).astype(np.int32)[:, None]
    assert rounded.undecided(logits).tolist() == (np.abs(logits[:, 0] - unit) <= 1.5).tolist()
    assert set(rounded.undecided(logits).tolist()) == {True, False}


@pytest.mark.parametrize("decision", ["Softmax", "LogSoftmax"])
def test_a_softmax_is_left_out(decision: str) -> None:
    graph, logits = _head()
    model = _model(graph, graph.node(decision, logits, axis=1))
    lowered = lower(model)
    plain = lower(_model(*_head())).network
    images = pictures(plain, 4)
    np.testing.assert_array_equal(lowered.network.logits(images), plain.logits(images))
    assert lowered.notes == (f"{decision}_4 ({decision}) is left to the reader of the logits",)


def _rounded_in_one(graph: GraphWriter, shares: str) -> str:
    return graph.quant(shares, 1 / 255, 8, signed=False)


def _rounded_in_two(graph: GraphWriter, shares: str) -> str:
    grid = (graph.constant(1 / 256), graph.constant(np.uint8(0)))
    codes = graph.node("QuantizeLinear", shares, *grid)
    return graph.node("DequantizeLinear", codes, *grid)


@pytest.mark.parametrize("rounded", [_rounded_in_one, _rounded_in_two])
def test_a_softmax_is_left_out_with_the_quantizer_behind_it(
    rounded: Callable[[GraphWriter, str], str],
) -> None:
    graph, logits = _head()
    lowered = lower(_model(graph, rounded(graph, graph.node("Softmax", logits, axis=1))))
    plain = lower(_model(*_head())).network
    images = pictures(plain, 4)
    np.testing.assert_array_equal(lowered.network.logits(images), plain.logits(images))
    (note,) = lowered.notes
    assert note.startswith("Softmax_4 (Softmax) and the quantizer behind it are left to the reader")


def test_a_quantizer_of_logits_stays() -> None:
    graph, logits = _head()
    assert_equal(_model(graph, graph.quant(logits, 0.5, 6, signed=True)))


def test_an_argmax_is_left_out_with_what_follows_it() -> None:
    graph, logits = _head()
    label = graph.node("ArgMax", logits, axis=-1, keepdims=1)
    last = graph.node("Squeeze", label, graph.constant(np.array([1])))
    model = graph.model(("images", [1, 1, 3, 4]), (last, [1]), TensorProto.INT64)
    model.set_tensor_layout("images", list("NCHW"))
    lowered = lower(model)
    assert lowered.network.classes == 3
    assert "ArgMax_4 (ArgMax) is left to the reader of the logits" in lowered.notes


def test_a_decision_over_another_axis_is_refused() -> None:
    graph = GraphWriter()
    graph.values["images"] = np.ones((1, 2, 3, 4), dtype=np.float32)
    model = finished(graph, (1, 2, 3, 4), graph.node("Softmax", "images", axis=1))
    with pytest.raises(
        FlowError, match=r"Softmax_0 .* axis 1 of \(1, 2, 3, 4\) is not the classes"
    ):
        lower(model)


def test_logits_in_another_order_are_put_in_order() -> None:
    graph = GraphWriter()
    graph.values["images"] = np.ones((1, 2, 3, 2), dtype=np.float32)
    model = finished(graph, (1, 2, 3, 2), graph.node("Flatten", "images", axis=1))
    assert_equal(model)


def test_logits_beyond_int32_are_refused() -> None:
    graph = GraphWriter()
    graph.values["images"] = np.ones((1, 1, 3, 4), dtype=np.float32)
    tensor = graph.node("Flatten", "images", axis=1)
    for size in (12, 12, 12):
        tensor = graph.node("MatMul", tensor, weights(graph, (size, 12), bits=8, scale=1.0))
    with pytest.raises(
        FlowError,
        match=r"its logits are integers up to [\d,]+, beyond 32 bits; use fewer bits, and",
    ):
        lower(finished(graph, (1, 1, 3, 4), tensor))


def test_sums_beyond_float64_are_refused() -> None:
    graph = GraphWriter()
    graph.values["images"] = np.ones((1, 1, 3, 4), dtype=np.float32)
    tensor = graph.node("Flatten", "images", axis=1)
    for size in (12,) * 6:
        tensor = graph.node("MatMul", tensor, weights(graph, (size, 12), bits=8, scale=1.0))
    with pytest.raises(FlowError, match=r"its sums reach \d+, beyond 2\*\*53; use narrower weight"):
        lower(finished(graph, (1, 1, 3, 4), tensor))
