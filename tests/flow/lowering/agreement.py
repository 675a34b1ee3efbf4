# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Comparing lowered networks with qonnx's execution of the source graph."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.infer_shapes import InferShapes

from flow.fuzz.agreement import execute
from flow.fuzz.graph import smooth_images
from flow.integer import IntegerNetwork
from flow.lowering import InputEncoding, lower
from flow.lowering.graph_writer import GraphWriter

Body = Callable[[GraphWriter, str], str]


def single(
    body: Body, shape: Sequence[int], *, annotate: bool = True, largest: float = 255.0
) -> ModelWrapper:
    """Return input in 0..largest -> body -> flattened -> 4-bit dense layer."""
    rng, classes = np.random.default_rng(0), 3
    graph = GraphWriter()
    graph.values["images"] = smooth_images(rng, 1, tuple(shape[1:])) * np.float32(largest / 255)
    tensor = graph.node("Flatten", body(graph, "images"), axis=1)
    features = graph.values[tensor].shape[1]
    codes = rng.integers(-7, 8, (features, classes)) * 0.25
    weights = graph.quant(graph.constant(codes), 0.25, 4, signed=True, narrow=True)
    return finished(graph, shape, graph.node("MatMul", tensor, weights), annotate=annotate)


def finished(
    graph: GraphWriter, shape: Sequence[int], output: str, *, annotate: bool = True
) -> ModelWrapper:
    """Return the model of a graph from `images` to `output`."""
    sizes = [1, *graph.values[output].shape[1:]]
    model = graph.model(("images", list(shape)), (output, sizes), TensorProto.FLOAT)
    if annotate:
        model.set_tensor_datatype("images", DataType["UINT8"])
        if len(shape) == 4:
            model.set_tensor_layout("images", list("NCHW"))
    return model.transform(InferShapes())


def quantized(graph: GraphWriter, tensor: str, *, bits: int = 4, signed: bool = False) -> str:
    """Quantize a tensor with a power-of-two scale that suits its values."""
    largest = np.abs(graph.values[tensor]).max() / 2 ** (bits - signed)
    scale = 2.0 ** np.round(np.log2(max(largest, 1e-3)))
    return graph.quant(tensor, scale, bits, signed=signed, narrow=signed)


def weights(
    graph: GraphWriter, shape: Sequence[int], *, bits: int = 4, scale: object = 0.125, seed: int = 1
) -> str:
    """Return random quantized weights."""
    limit = 2 ** (bits - 1) - 1
    codes = np.random.default_rng(seed).integers(-limit, limit + 1, tuple(shape))
    return graph.quant(graph.constant(codes * scale), scale, bits, signed=True, narrow=True)


def pictures(network: IntegerNetwork, count: int, seed: int = 0) -> NDArray[np.uint8]:
    """Return uint8[N, H, W, C]."""
    rng = np.random.default_rng(seed)
    return smooth_images(rng, count, network.input_shape).astype(np.uint8)


def assert_equal(
    model: ModelWrapper,
    *,
    encoding: InputEncoding | None = None,
    feed: Callable[[NDArray[Any]], NDArray[Any]] = lambda pixels: pixels,
    nchw: bool = True,
) -> IntegerNetwork:
    """Lower and compare every logit on a few images, of which some must differ."""
    network = lower(model, input_encoding=encoding).network
    images = pictures(network, 6)
    logits = network.logits(images) * network.scale + network.offset
    for image, found in zip(images, logits, strict=True):
        expected = execute(model, feed(image[None])[0], nchw=nchw).reshape(-1)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5 * np.abs(logits).max())
    assert len(np.unique(logits, axis=0)) > 1
    return network
