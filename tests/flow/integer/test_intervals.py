# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Interval bounds of many boxes at once, against those of the incremental engine box by box."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flow.integer import (
    Convolution,
    Dense,
    Flatten,
    IntegerNetwork,
    MaxPool,
    Operation,
    SumPool,
    Threshold,
)
from flow.integer.incremental import IncrementalNetwork
from flow.integer.native.intervals import interval_network
from flow.integer.operations import Bias


def _thresholds(rng: np.random.Generator, name: str, rows: int, half: int) -> Threshold:
    levels = np.sort(rng.integers(-half, half, (rows, int(rng.integers(1, 6)))), axis=1)
    return Threshold(name=name, thresholds=levels, offset=-1, step=2)


def _chain(seed: int) -> IntegerNetwork:
    rng = np.random.default_rng(seed)
    channels, inner = int(rng.integers(1, 4)), int(rng.integers(1, 40))
    first: tuple[Operation, ...] = (
        Threshold(name="q", thresholds=np.array([[60, 120, 180]]), offset=0),
    )
    operations: tuple[Operation, ...] = (
        Convolution(
            name="c", weights=rng.integers(-7, 8, (3, 2, channels, inner)), padding=(1, 0, 0, 1)
        ),
        Bias(name="b", values=rng.integers(-9, 9, inner)),
        _thresholds(rng, "t", inner, 60),
        MaxPool(name="p", kernel=(2, 2), stride=(2, 2)),
        Flatten(name="f"),
        _thresholds(rng, "t1", 9 * inner, 4),
        Dense(name="d", weights=rng.integers(-7, 8, (9 * inner, 13))),
        _thresholds(rng, "t2", int(rng.choice([1, 13])), 300),
        Dense(name="e", weights=rng.integers(-7, 8, (13, 5))),
        Bias(name="z", values=rng.integers(-9, 9, 5)),
    )
    chosen = (*first[: seed % 2], *operations[: len(operations) - seed // 2 % 2])
    return IntegerNetwork(chosen, (7, 6, channels), 1.0)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), width=st.sampled_from([0, 3, 40, 255]))
def test_bounds_are_those_of_the_incremental_engine(seed: int, width: int) -> None:
    network, rng = _chain(seed), np.random.default_rng(seed)
    low = rng.integers(0, 256, (4, *network.input_shape), dtype=np.uint8)
    high = np.minimum(low.astype(np.int64) + rng.integers(0, width + 1, low.shape), 255)
    high, labels = high.astype(np.uint8), rng.integers(0, 5, 4)
    bounds, engine = interval_network(network, threads=1), IncrementalNetwork(network)
    assert bounds is not None
    found = bounds.margins(low, high, labels)
    for row in range(4):
        expected, _ = engine.margin_bounds(low[row], high[row], int(labels[row]))
        assert (found[row] == expected).all()


def test_bounds_of_single_images_are_their_margins() -> None:
    network = _chain(3)
    images = np.random.default_rng(0).integers(0, 256, (6, *network.input_shape), dtype=np.uint8)
    bounds = interval_network(network)
    assert bounds is not None
    logits = network.logits(images)
    for label in range(5):
        found = bounds.margins(images, images, np.full(6, label))
        assert (found == logits[:, [label]] - logits).all()


@pytest.mark.parametrize(
    "inner",
    [
        (SumPool(name="s", kernel=(2, 2), stride=(2, 2)),),
        (Convolution(name="g", weights=np.ones((1, 1, 1, 2), np.int64), groups=2),),
        tuple(
            Convolution(name=name, weights=np.ones((1, 1, 2, 2), np.int64)) for name in ("c", "c2")
        ),
    ],
    ids=["sums of windows", "groups", "sums of sums"],
)
def test_other_networks_have_no_such_bounds(inner: tuple[Operation, ...]) -> None:
    before = IntegerNetwork((*inner, Flatten(name="f")), (4, 4, 2), 1.0)
    dense = Dense(name="d", weights=np.ones((before.classes, 3), np.int64))
    network = IntegerNetwork((*before.operations, dense), (4, 4, 2), 1.0)
    assert interval_network(network) is None
