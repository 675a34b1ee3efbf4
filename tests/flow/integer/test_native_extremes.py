# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Every kernel where its lanes are full: sums at both ends, thresholds at and beside them."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flow.integer import Convolution, Dense, Flatten, IntegerNetwork, Operation, Threshold
from flow.integer.native import Kernels, NativeNetwork, instruction_sets

_CHOICES = [
    Kernels(planes=planes, tables=tables, shorts=shorts)
    for planes, tables, shorts in product((0, 2), (False, True), (False, True))
]


def _kernels(network: IntegerNetwork, images: np.ndarray) -> set[str]:
    """Compare every choice of kernels with the plain loops; return which took part."""
    expected, taken = network.logits(images), set()
    for isa, choice in product(instruction_sets(), _CHOICES):
        engine = NativeNetwork(network, isa=isa, kernels=choice, threads=1)
        assert (engine.logits(images) == expected).all(), (isa, choice)
        taken |= {stage.kernel for stage in engine.profile(images[:1])}
    return taken


def _windows(weights: np.ndarray, columns: int, rng: np.random.Generator) -> np.ndarray:
    """Images whose windows side by side give an output its largest or its least sum."""
    outputs = rng.integers(0, weights.shape[3], (4, columns))
    signs = rng.choice([-1, 1], (4, columns))[..., None, None, None]
    chosen = weights.transpose(3, 0, 1, 2)[outputs] * signs  # N, columns, KH, KW, C
    whole = np.where(chosen > 0, 255, 0).transpose(0, 2, 1, 3, 4)
    return whole.reshape(4, weights.shape[0], -1, weights.shape[2]).astype(np.uint8)


def _ends(found: tuple[int, int], rows: int, levels: int, rng: np.random.Generator) -> np.ndarray:
    low, high = found
    places = np.array([low, low + 1, (low + high) // 2, high - 1, high, high + 1])
    return np.sort(rng.choice(places, (rows, levels)), axis=1)


@settings(max_examples=60, deadline=None)
@given(data=st.data(), channels=st.integers(1, 90), outputs=st.integers(1, 70))
def test_sums_and_thresholds_at_their_ends(
    data: st.DataObject, channels: int, outputs: int
) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    values = data.draw(st.lists(st.integers(-128, 127), min_size=1, max_size=5))
    first, second = (data.draw(st.integers(1, 3)) for _ in range(2))
    kernel, columns = data.draw(st.sampled_from([(1, 1), (2, 3)])), 7
    weights = np.sort(rng.choice(values, (*kernel, channels, outputs)), axis=2)
    before: tuple[Operation, ...] = (
        Threshold(name="t0", thresholds=np.sort(rng.integers(1, 256, (1, first))), offset=0),
        Convolution(name="c", weights=weights, stride=kernel),
    )
    shape = (kernel[0], kernel[1] * columns, channels)
    open_end = IntegerNetwork((*before, *_after(columns * outputs)), shape, 1.0)
    sums = open_end.ranges()["c"]
    levels = _ends((sums.lo, sums.hi), outputs, second, rng)
    counted = Threshold(name="t1", thresholds=levels, offset=-1)
    network = IntegerNetwork((*before, counted, *_after(columns * outputs)), shape, 1.0)
    _kernels(network, _windows(weights, columns, rng))


def _after(size: int) -> tuple[Operation, ...]:
    """Two outputs that see a change of any input."""
    weights = np.resize([1, -1, 0, 1, 1], (size, 2))
    weights[:, 1] = np.resize([1, 1, -1], size)
    return (Flatten(name="f"), Dense(name="d", weights=weights))


@settings(max_examples=60, deadline=None)
@given(
    data=st.data(),
    channels=st.integers(2, 70),
    kernel=st.sampled_from([(1, 1), (3, 3), (2, 3), (1, 5)]),
    largest=st.sampled_from([1, 7, 127, 32767]),
    offset=st.sampled_from([0, -1, -7]),
)
def test_channels_alone_at_the_ends_of_16_bits(
    data: st.DataObject, channels: int, kernel: tuple[int, int], largest: int, offset: int
) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    weights = rng.choice([-largest - 1, -largest, 0, largest], (*kernel, 1, channels))
    steps = np.arange(1, 1 + data.draw(st.sampled_from([3, 15, 250]))).reshape(1, -1)
    operations = (
        Threshold(name="t", thresholds=steps, offset=offset),
        Convolution(
            name="c", weights=weights, groups=channels, padding=(0, 1, 0, 0), stride=(1, 2)
        ),
        Flatten(name="f"),
    )
    network = IntegerNetwork(operations, (3, 8, channels), 1.0)
    images = rng.choice([0, 255, 1], (4, *network.input_shape)).astype(np.uint8)
    images[0], images[1] = 0, 255
    assert "depthwise" in _kernels(network, images)


@pytest.mark.parametrize("isa", instruction_sets())
def test_weights_beyond_16_bits_are_no_pairs(isa: str) -> None:
    weights = np.full((1, 1, 1, 2), 2**15)
    operations = (Convolution(name="c", weights=weights, groups=2), Flatten(name="f"))
    network = IntegerNetwork(operations, (1, 2, 2), 1.0)
    engine = NativeNetwork(network, isa=isa)
    images = np.full((1, 1, 2, 2), 255, np.uint8)
    assert next(stage.kernel for stage in engine.profile(images)) == "matrix"
    assert (engine.logits(images) == 255 * 2**15).all()
