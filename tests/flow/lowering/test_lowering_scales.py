# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Operands of several scales before a quantizer: every decision stays, with small integers."""

import re
from collections.abc import Callable

import numpy as np
import pytest
from agreement import assert_equal, pictures, quantized, single, weights
from qonnx.core.modelwrapper import ModelWrapper

from flow.fuzz.agreement import execute
from flow.integer import Add, Convolution
from flow.integer.native import NativeNetwork
from flow.lowering import lower
from flow.lowering.graph_writer import GraphWriter

Layer = Callable[[GraphWriter, str], str]
_CHANNELS = np.array([0.37, 0.211, 1.13, 0.0917]).reshape(1, 4, 1, 1)


def _conv(g: GraphWriter, x: str, *, outputs: int = 4, size: int = 3, **attributes: object) -> str:
    groups = int(str(attributes.get("group", 1)))
    kernel = weights(g, (outputs, g.values[x].shape[1] // groups, size, size), seed=size + outputs)
    pads = [size // 2] * 4
    return g.node("Conv", x, kernel, kernel_shape=[size, size], pads=pads, **attributes)


def _levels(g: GraphWriter, x: str, factor: object, *, bits: int = 4, signed: bool = False) -> str:
    """Quantize with a scale of no common unit with others."""
    largest = np.abs(g.values[x]).max() / 2 ** (bits - signed)
    return g.quant(x, np.asarray(factor) * largest, bits, signed=signed)


def _three(g: GraphWriter, x: str) -> list[str]:
    factors = (0.7313, 0.9137, 1.0871)
    return [_levels(g, _conv(g, x, size=s), f) for s, f in zip((1, 3, 5), factors, strict=True)]


def _sum_of_two(g: GraphWriter, x: str) -> str:
    first, second, _ = _three(g, x)
    return g.node("Add", first, second)


def _shared_sum(g: GraphWriter, x: str) -> str:
    total = _sum_of_two(g, x)
    pooled = g.node("MaxPool", total, kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    return g.node("Concat", quantized(g, total), quantized(g, pooled, bits=3), axis=1)


LAYERS: dict[str, Layer] = {
    "sum of two": lambda g, x: g.node("Relu", _sum_of_two(g, x)),
    "sum of three": lambda g, x: g.node("Sum", *_three(g, x)),
    "sum of a sum": lambda g, x: g.node("Add", _sum_of_two(g, x), _three(g, x)[2]),
    "difference": lambda g, x: g.node("Sub", *_three(g, x)[:2]),
    "sum of the image and its quantized form": lambda g, x: g.node("Add", x, _levels(g, x, 0.71)),
    "8 bits": lambda g, x: g.node(
        "Add", _levels(g, _conv(g, x), 0.77, bits=8), _levels(g, _conv(g, x, size=1), 0.9, bits=8)
    ),
    "signed": lambda g, x: g.node(
        "Add", _levels(g, x, 0.77), _levels(g, _conv(g, x, outputs=2), 0.61, signed=True)
    ),
    "scales of channels": lambda g, x: g.node(
        "Add", _levels(g, _conv(g, x), _CHANNELS), _levels(g, _conv(g, x, size=1), 0.83)
    ),
    "a pooled sum": lambda g, x: g.node("MaxPool", _sum_of_two(g, x), kernel_shape=[2, 2]),
    "a function of a sum": lambda g, x: g.node("Tanh", _sum_of_two(g, x)),
    "two readers": _shared_sum,
    "concat, then conv": lambda g, x: _conv(g, g.node("Concat", *_three(g, x)[:2], axis=1)),
    "concat, then depthwise": lambda g, x: _conv(
        g, g.node("Concat", *_three(g, x), axis=1), outputs=12, group=12
    ),
    "scales of channels, then conv": lambda g, x: _conv(g, _levels(g, _conv(g, x), _CHANNELS)),
    "scales of channels, then depthwise": lambda g, x: _conv(
        g, _levels(g, _conv(g, x), _CHANNELS), group=4
    ),
    "sum, then conv": lambda g, x: _conv(g, _sum_of_two(g, x)),
    "concat of vectors": lambda g, x: g.node(
        "MatMul",
        g.node("Concat", *(g.node("Flatten", t) for t in _three(g, x)[:2]), axis=1),
        weights(g, (240, 5)),
    ),
}


def _model(name: str) -> ModelWrapper:
    def body(g: GraphWriter, x: str) -> str:
        found = LAYERS[name](g, x)
        return quantized(g, found, signed=bool((g.values[found] < 0).any()))

    return single(body, (1, 2, 5, 6))


@pytest.mark.parametrize("name", LAYERS)
def test_operands_of_several_scales_equal_their_execution(name: str) -> None:
    network = assert_equal(_model(name))
    images = pictures(network, 6)
    np.testing.assert_array_equal(NativeNetwork(network).logits(images), network.logits(images))


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("sum of two", 64),
        ("sum of three", 1024),
        ("sum of a sum", 1024),
        ("8 bits", 600),
        ("a pooled sum", 64),
    ],
)
def test_the_factors_of_a_sum_are_small_and_proven(name: str, most: int) -> None:
    lowered = lower(_model(name))
    (add,) = (item for item in lowered.network.operations if isinstance(item, Add))
    assert max(map(abs, add.factors)) <= most
    (note,) = (note for note in lowered.notes if note.startswith(add.name))
    assert "are proven to keep every decision of its quantizer" in note


def test_the_weights_behind_a_concat_are_small() -> None:
    lowered = lower(_model("concat, then conv"))
    layer = lowered.network.operations[-4]
    assert isinstance(layer, Convolution)
    assert np.abs(layer.weights).max() < 2**16
    assert np.abs(layer.weights).max() > 7


LOGITS: dict[str, Layer] = {
    "sum": _sum_of_two,
    "concat": lambda g, x: g.node("Concat", *_three(g, x), axis=1),
    "scales of channels": lambda g, x: _levels(g, _conv(g, x), _CHANNELS),
    "a pooled sum": lambda g, x: g.node("GlobalAveragePool", _sum_of_two(g, x)),
    "a sum behind a layer": lambda g, x: _conv(g, _sum_of_two(g, x)),
}


@pytest.mark.parametrize("name", LOGITS)
def test_scales_in_front_of_the_logits_are_rounded_with_a_bound(name: str) -> None:
    model = single(LOGITS[name], (1, 2, 5, 6))
    lowered = lower(model)
    network, bound = lowered.network, lowered.rounding * lowered.network.scale
    said = f"a logit is off by at most {bound:.3g} in all"
    assert any(said in note for note in lowered.notes)
    images = pictures(network, 6)
    logits = network.logits(images) * network.scale + network.offset
    assert 0 < bound < 0.01 * np.abs(logits).max()
    for image, found in zip(images, logits, strict=True):
        expected = execute(model, image, nchw=True).reshape(-1)
        np.testing.assert_allclose(found, expected, atol=bound + 1e-5 * np.abs(logits).max())
    np.testing.assert_array_equal(NativeNetwork(network).logits(images), network.logits(images))


def test_more_parts_than_can_be_compared_keep_their_exact_factors() -> None:
    lowered = lower(_model("scales of channels, then conv"))
    (note,) = (note for note in lowered.notes if "need sums of" in note)
    assert re.search(
        r"need sums of \d+ bits \([\d,]+ comparisons with thresholds are more than the 8,388,608 "
        r"that are made\); one shared quantizer or fewer bits for its inputs make them small$",
        note,
    )
