# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A real integer network of the digits, the same on every machine: read from a file of integers."""

import json
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from flow.config import DataConfig
from flow.data.datasets import Dataset, load_dataset
from flow.integer import Convolution, Dense, Flatten, IntegerNetwork, Threshold

_FILE = Path(__file__).with_name("quantized_digits.json")  # of train_quantized_digits.py
_CHANNELS = (8, 16)
_STRIDES = (1, 2)


@cache
def digits() -> Dataset:
    return load_dataset(DataConfig(), None)


@cache
def digits_network() -> IntegerNetwork:
    """4-bit narrow weights, 4-bit activations, clean accuracy of about 95%."""
    stored = json.loads(_FILE.read_text())
    operations: list[Convolution | Threshold | Flatten | Dense] = []
    for index, (before, channels, stride) in enumerate(
        zip((1, *_CHANNELS), _CHANNELS, _STRIDES, strict=False)
    ):
        weights = _integers(stored[f"conv{index}"]).reshape(3, 3, before, channels)
        operations.append(
            Convolution(
                name=f"conv{index}",
                weights=weights,
                stride=(stride, stride),
                padding=(1, 1, 1, 1),
            )
        )
        thresholds = _integers(stored[f"act{index}"])
        operations.append(Threshold(name=f"act{index}", thresholds=thresholds, offset=0))
    dense = Dense(name="dense", weights=_integers(stored["dense"]))
    return IntegerNetwork((*operations, Flatten(name="flatten"), dense), (8, 8, 1), stored["scale"])


def _integers(rows: list[str]) -> NDArray[np.int64]:
    return np.array([row.split() for row in rows], dtype=np.int64)
