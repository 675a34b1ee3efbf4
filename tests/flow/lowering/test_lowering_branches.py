# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Sums of branches behind BatchNormalization that no quantizer has brought to a common scale."""

from collections.abc import Callable

import numpy as np
import pytest
from agreement import assert_equal, finished, pictures, quantized, single, weights

from flow.errors import FlowError
from flow.fuzz.agreement import execute
from flow.lowering import InputEncoding, lower
from flow.lowering.graph_writer import GraphWriter

Layer = Callable[[GraphWriter, str], str]
SHAPE = (1, 2, 6, 5)


def _norm(g: GraphWriter, x: str, seed: int) -> str:
    rng = np.random.default_rng(seed)
    values, count = g.values[x], g.values[x].shape[1]
    spread = np.full(count, values.var() + 1)
    parts = (rng.uniform(0.3, 2, count), rng.normal(size=count), rng.normal(size=count), spread)
    return g.node("BatchNormalization", x, *(g.constant(part) for part in parts))


def _branch(g: GraphWriter, x: str, seed: int, size: int = 3) -> str:
    shape = (3, g.values[x].shape[1], size, size)
    kernel = weights(g, shape, bits=3, scale=0.0437 + 0.00113 * seed, seed=seed)
    return _norm(g, g.node("Conv", x, kernel, pads=[size // 2] * 4), seed)


def _small(g: GraphWriter, x: str) -> str:
    return g.quant(x, 21.37, 4, signed=False)


def _two(g: GraphWriter, x: str) -> str:
    x = _small(g, x)
    return g.node("Add", _branch(g, x, 1), _branch(g, x, 2, size=1))


def _wide_branches(g: GraphWriter, x: str, count: int) -> list[str]:
    sources = [g.quant(x, 1.137 * i, 8, signed=False) for i in range(1, count + 1)]
    return [_branch(g, source, i) for i, source in enumerate(sources)]


def _levels(g: GraphWriter, x: str) -> str:
    return quantized(g, x, signed=bool((g.values[x] < 0).any()))


def _skipped(g: GraphWriter, x: str) -> str:
    x = g.quant(g.node("Relu", _branch(g, _small(g, x), 3)), 0.3217, 3, signed=False)
    return g.node("Add", g.node("Add", x, _branch(g, x, 4)), _branch(g, x, 5, size=1))


LAYERS: dict[str, Layer] = {
    "two": lambda g, x: _levels(g, _two(g, x)),
    "a difference": lambda g, x: _levels(
        g, g.node("Sub", _branch(g, _small(g, x), 1), _branch(g, _small(g, x), 2, size=1))
    ),
    "a rectified sum": lambda g, x: _levels(g, g.node("Relu", _two(g, x))),
    "a function of a sum": lambda g, x: g.quant(g.node("Tanh", _two(g, x)), 0.1373, 4, signed=True),
    "a sum and its input": lambda g, x: _levels(g, _skipped(g, x)),
    "the largest sums": lambda g, x: _levels(
        g, g.node("MaxPool", _two(g, x), kernel_shape=[2, 2], strides=[2, 2])
    ),
    "sums as features": lambda g, x: _levels(g, g.node("Flatten", _two(g, x))),
    "signs of sums": lambda g, x: g.node("BipolarQuant", _two(g, x), g.constant(1.0)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_a_quantizer_decides_sums_of_branches_exactly(name: str) -> None:
    network = assert_equal(single(LAYERS[name], SHAPE))
    assert max(r.magnitude() for r in network.ranges().values()) < 2**53


def test_two_branches_get_small_factors() -> None:
    lowered = lower(single(LAYERS["two"], SHAPE))
    (note,) = [note for note in lowered.notes if note.startswith("Add")]
    assert "are proven to keep every decision of its quantizer" in note
    assert max(r.magnitude() for r in lowered.network.ranges().values()) < 2**26


@pytest.mark.parametrize("pooled", [False, True])
def test_sums_of_branches_as_logits_are_off_by_no_more_than_is_said(pooled: bool) -> None:
    g = GraphWriter()
    g.values["images"] = np.random.default_rng(0).integers(0, 256, SHAPE).astype(np.float32)
    x = _two(g, "images")
    x = g.node("GlobalAveragePool", x) if pooled else x
    model = finished(g, SHAPE, g.node("Flatten", x))
    lowered = lower(model)
    network, bound = lowered.network, lowered.rounding * lowered.network.scale
    images = pictures(network, 6)
    for image, found in zip(images, network.logits(images), strict=True):
        expected = execute(model, image, nchw=True).reshape(-1)
        np.testing.assert_allclose(
            found * network.scale + network.offset, expected, rtol=1e-5, atol=bound
        )
    assert 0 < bound < 1e-1 * np.abs(expected).max()


REFUSED: dict[str, tuple[Layer, str]] = {
    "an average of sums": (
        lambda g, x: _levels(g, g.node("GlobalAveragePool", _two(g, x))),
        r"Quant_\d+ \(Quant\): it quantizes what a layer makes of a sum whose branches have no "
        r"common scale; put a Quant node directly behind the sum$",
    ),
    "a convolution of rectified sums": (
        lambda g, x: _branch(g, g.node("Relu", _two(g, x)), 6),
        r"an activation before it is of a sum whose branches have no common scale; put a Quant",
    ),
    "sums on two sides of a decision": (
        lambda g, x: g.quant(
            g.node("Sub", g.node("Add", g.node("Mul", _small(g, x), g.constant(1.7)),
                                 g.node("Mul", _small(g, x), g.constant(1.3e-17))),
                   g.constant(1e-18)),
            1.0, 2, signed=True, rounding="FLOOR",
        ),
        r"in channel 0 the scales of the branches that are added before it have no common unit, "
        r"and their integers \[\d+, \d+\] and \[\d+, \d+\], on two sides of a decision, have one "
        r"sum of 52 bits; quantize the branches with one shared quantizer$",
    ),
    "many branches": (
        lambda g, x: _levels(g, g.node("Sum", *_wide_branches(g, x, 4))),
        r"the scales of the 4 branches that are added before it have no common unit, and too many "
        r"of their sums are near to a decision to compare them; quantize the branches",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_decided_is_refused_with_a_remedy(name: str) -> None:
    layer, message = REFUSED[name]
    with pytest.raises(FlowError, match=message):
        lower(single(layer, SHAPE))


def test_branches_of_features_decide_exactly() -> None:
    def dense(g: GraphWriter, x: str, seed: int) -> str:
        shape = (g.values[x].shape[1], 5)
        return _norm(
            g, g.node("MatMul", x, weights(g, shape, bits=3, scale=0.0437 + 0.00113 * seed)), seed
        )

    def body(g: GraphWriter, x: str) -> str:
        x = _small(g, g.node("Flatten", x))
        return _levels(g, g.node("Add", dense(g, x, 1), dense(g, x, 2)))

    assert_equal(single(body, (1, 12), annotate=False), encoding=InputEncoding(scale=1), nchw=False)
