# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest

from flow.integer import (
    IMAGE,
    Add,
    Convolution,
    Dense,
    Flatten,
    IntegerNetwork,
    MaxPool,
    Operation,
    SumPool,
    Threshold,
)
from flow.integer.description import activation_bits, in_words, weight_bits


def weights(*shape: int, low: int = -7, high: int = 7) -> np.ndarray:
    values = np.resize(np.array([low, high], dtype=np.int64), shape)
    values.reshape(-1)[0] = low
    return values


def levels(name: str, count: int, low: int = 0) -> Threshold:
    return Threshold(name=name, thresholds=np.arange(count)[None] * 9 + 100, offset=low)


def network(*operations: Operation) -> IntegerNetwork:
    return IntegerNetwork(operations, (8, 8, 1), 1.0)


def test_a_chain_of_layers_in_words(tiny_network: IntegerNetwork) -> None:
    assert in_words(tiny_network) == "2 convolutions (3x3) to 4 and 6 channels, linear layer to 5"
    assert weight_bits(tiny_network) == (4, 4, 4)
    assert activation_bits(tiny_network) == (4, 4)


def test_branches_pools_and_a_squeezed_image_in_words() -> None:
    around = (1, 1, 1, 1)
    found = network(
        levels("squeeze", 3),
        Convolution(name="first", weights=weights(3, 3, 1, 4), padding=around),
        levels("a", 15),
        Convolution(name="second", weights=weights(3, 3, 4, 4), padding=around),
        Add(name="sum", inputs=("second", "a"), factors=(1, 1)),
        levels("b", 3),
        Convolution(name="deep", weights=weights(5, 5, 1, 4), padding=(2, 2, 2, 2), groups=4),
        levels("c", 1),
        MaxPool(name="max", kernel=(2, 2), stride=(2, 2)),
        SumPool(name="mean", kernel=(4, 4), stride=(4, 4)),
        Flatten(name="flat"),
        Dense(name="fc", weights=weights(4, 3)),
    )
    assert in_words(found) == (
        "image squeezed to 4 levels, 2 convolutions (3x3) to 4 (2 times) channels, "
        "depthwise convolution (5x5) to 4 channels, max pool, average pool, residual addition, "
        "linear layer to 3"
    )
    assert activation_bits(found) == (4, 2, 1)


@pytest.mark.parametrize(
    ("low", "high", "bits"),
    [(-1, 1, 1), (-8, 7, 4), (-7, 8, 5), (-3, 2, 3), (0, 1, 2), (-2, 1, 2), (1, 1, 1)],
)
def test_bits_hold_the_weights(low: int, high: int, bits: int) -> None:
    dense = Dense(name="fc", weights=weights(64, 2, low=low, high=high))
    assert weight_bits(network(Flatten(name="flat", inputs=(IMAGE,)), dense)) == (bits,)


def test_ternary_weights_take_two_bits() -> None:
    dense = Dense(name="fc", weights=np.resize(np.array([-1, 0, 1]), (64, 2)).astype(np.int64))
    assert weight_bits(network(Flatten(name="flat"), dense)) == (2,)
