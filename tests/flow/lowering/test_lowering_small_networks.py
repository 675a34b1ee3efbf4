# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The small networks of the QONNX model zoo, rebuilt: their inputs, their operations, few units."""

from collections.abc import Sequence

import numpy as np
import pytest
from agreement import assert_equal, finished, quantized, weights
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper

from flow.fuzz.agreement import execute
from flow.lowering import InputEncoding, lower
from flow.lowering.graph_writer import GraphWriter


def _graph(shape: Sequence[int], *, low: float = 0.0, high: float = 1.0) -> GraphWriter:
    """Return a graph whose input has random values of an interval."""
    graph = GraphWriter()
    values = np.random.default_rng(0).uniform(low, high, tuple(shape))
    graph.values["images"] = values.astype(np.float32)
    return graph


def _ints(graph: GraphWriter, *values: int) -> str:
    return graph.constant(np.array(values, dtype=np.int64))


def _bipolar(graph: GraphWriter, tensor: str) -> str:
    return graph.node("BipolarQuant", tensor, graph.constant(1.0))


def _norm(graph: GraphWriter, tensor: str) -> str:
    """BatchNormalization that spreads what it reads about zero."""
    values = graph.values[tensor]
    channels, axes = values.shape[1], (0, *range(2, values.ndim))
    rng = np.random.default_rng(channels)
    mean, variance = values.mean(axis=axes), np.full(channels, values.var() + 1.0)
    gain = rng.choice([-1.0, 1.0], channels) * rng.uniform(0.5, 1.5, channels)
    parts = (gain, rng.normal(size=channels) / 4, mean, variance)
    return graph.node("BatchNormalization", tensor, *(graph.constant(part) for part in parts))


def _dense(graph: GraphWriter, tensor: str, outputs: int, bits: int) -> str:
    inputs = graph.values[tensor].shape[1]
    if bits > 1:
        return graph.node("MatMul", tensor, weights(graph, (inputs, outputs), bits=bits))
    codes = np.random.default_rng(inputs).choice([-0.3, 0.3], (outputs, inputs))
    bipolar = _bipolar(graph, graph.constant(codes))
    return graph.node("MatMul", tensor, graph.node("Transpose", bipolar, perm=[1, 0]))


def _tfc(bits: int) -> ModelWrapper:
    """TFC: pixels brought to -1..1, then three dense layers of 1 or 2 bits."""
    graph = _graph((1, 1, 8, 8))
    tensor = graph.node("Reshape", "images", _ints(graph, 1, -1))
    tensor = graph.node("Sub", graph.node("Mul", tensor, graph.constant(2.0)), graph.constant(1.0))
    for _ in range(3):
        tensor = _bipolar(graph, tensor) if bits == 1 else quantized(graph, tensor, bits=bits)
        tensor = _norm(graph, _dense(graph, tensor, 16, bits))
    tensor = _bipolar(graph, tensor) if bits == 1 else quantized(graph, tensor, bits=bits)
    tensor = _dense(graph, tensor, 10, bits)
    tensor = graph.node("Sub", graph.node("Div", tensor, graph.constant(3.5)), graph.constant(0.75))
    return finished(graph, (1, 1, 8, 8), tensor, annotate=False)


@pytest.mark.parametrize("bits", [1, 2])
def test_tfc_of_pixels(bits: int) -> None:
    network = assert_equal(_tfc(bits), feed=lambda pixels: pixels / 255)
    assert network.input_shape == (8, 8, 1)


def test_keyword_spotting_of_features() -> None:
    graph = _graph((1, 490), low=-1)
    tensor = graph.quant("images", 1 / 128, 8, signed=True)
    for _ in range(3):
        tensor = graph.node("Relu", _norm(graph, _dense(graph, tensor, 12, 3)))
        tensor = quantized(graph, tensor, bits=3)
    model = finished(graph, (1, 490), _dense(graph, tensor, 12, 3), annotate=False)
    encoding = InputEncoding(scale=1 / 128, mean=(1,))
    assert_equal(model, encoding=encoding, feed=lambda p: p / 128 - 1.0, nchw=False)


def test_keyword_spotting_as_an_image_of_features() -> None:
    graph = _graph((1, 490), low=-1)
    tensor = graph.quant("images", 1 / 128, 8, signed=True)
    tensor = graph.node("Reshape", tensor, _ints(graph, 1, 1, 49, 10))
    tensor = graph.node("Conv", tensor, weights(graph, (4, 1, 10, 4)), strides=[2, 2])
    tensor = quantized(graph, graph.node("Relu", _norm(graph, tensor)))
    tensor = graph.node("Flatten", graph.node("GlobalAveragePool", tensor))
    model = finished(graph, (1, 490), _dense(graph, tensor, 12, 4), annotate=False)
    encoding = InputEncoding(scale=1 / 128, mean=(1,))
    assert_equal(model, encoding=encoding, feed=lambda p: p / 128 - 1.0, nchw=False)


def test_radio_signals_through_a_one_dimensional_vgg() -> None:
    graph = _graph((1, 2, 64), low=-1)
    tensor = graph.quant("images", 1 / 128, 8, signed=True)
    for _ in range(3):
        kernel = weights(graph, (6, graph.values[tensor].shape[1], 3))
        tensor = graph.node("Conv", tensor, kernel, pads=[1, 1])
        tensor = quantized(graph, graph.node("Relu", _norm(graph, tensor)))
        tensor = graph.node("MaxPool", tensor, kernel_shape=[2], strides=[2])
    tensor = graph.node("Flatten", tensor)
    model = finished(graph, (1, 2, 64), _dense(graph, tensor, 8, 4), annotate=False)
    encoding = InputEncoding(scale=1 / 128, mean=(1,))
    network = assert_equal(model, encoding=encoding, feed=lambda p: p / 128 - 1.0)
    assert network.input_shape == (1, 64, 2)


def test_jet_tagging_of_sixteen_features() -> None:
    graph = _graph((1, 16), low=-4, high=4)
    tensor = "images"
    for width in (12, 8, 8):
        rows = weights(graph, (width, graph.values[tensor].shape[1]), bits=6, scale=0.0625)
        bias = graph.quant(graph.constant(np.linspace(-1, 1, width)), 0.03125, 6, signed=True)
        tensor = graph.node("Gemm", tensor, rows, bias, transB=1)
        tensor = quantized(graph, graph.node("Relu", tensor), bits=6)
    rows = weights(graph, (5, 8), bits=6, scale=0.0625)
    output = graph.node("Gemm", tensor, rows, transB=1)
    model = finished(graph, (1, 16), output, annotate=False)
    encoding = InputEncoding(scale=1 / 32, mean=(4,))
    assert_equal(model, encoding=encoding, feed=lambda p: p / 32 - 4.0, nchw=False)


def test_network_traffic_of_bipolar_features() -> None:
    graph = _graph((1, 593), low=-1)
    graph.values["images"] = np.sign(graph.values["images"])
    tensor = "images"
    for _ in range(2):
        tensor = _norm(graph, _dense(graph, tensor, 8, 2))
        tensor = quantized(graph, graph.node("Relu", tensor), bits=2)
    model = finished(graph, (1, 593), _dense(graph, tensor, 2, 2), annotate=False)
    model.set_tensor_datatype("images", DataType["BIPOLAR"])
    lowered = lower(model)
    assert "pixel 0 stands for -1 and pixel 1 for 1" in lowered.notes[0]
    for pixels in np.random.default_rng(1).integers(0, 2, (4, 1, 1, 593), dtype=np.uint8):
        expected = execute(model, pixels * 2.0 - 1.0, nchw=False)
        found = lowered.network.logits(pixels[None]) * lowered.network.scale
        np.testing.assert_allclose(found + lowered.network.offset, expected, atol=1e-4)
