# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Compiled networks of thresholds: each is met from below and from above, in the whole RTL."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from flow.compile import compile_network
from flow.config import CompileConfig
from flow.integer import (
    IMAGE,
    Concat,
    Convolution,
    Flatten,
    IntegerNetwork,
    Operation,
    Threshold,
)
from hw.verilator.simulation import Simulation

_CHANNELS, _PIXELS = 4, 2
_FACTORS = np.array([1, -3, 2, -1])  # of the channels, in front of the thresholds
# thresholds a channel, offset, step: of layers side by side
_LAYERS = ((15, -7, 1), (6, -20, 1), (10, 3, 1), (1, -1, 2), (1, -1, 1), (255, -131, 1))


def _network() -> IntegerNetwork:
    """Return thresholds on multiples of a grey value, all of them reached in its 256 steps."""
    rng = np.random.default_rng(3)
    weights = _FACTORS.reshape(1, 1, 1, -1)
    scaled = Convolution(name="scaled", inputs=(IMAGE,), weights=weights, groups=_CHANNELS)
    operations: list[Operation] = [scaled]
    for index, (count, offset, step) in enumerate(_LAYERS):
        greys = [rng.choice(np.arange(1, 255), count, replace=count > 254) for _ in _FACTORS]
        rows = np.sort(np.stack(greys) * _FACTORS[:, None], axis=1)
        operations.append(
            Threshold(
                name=f"t{index}", inputs=("scaled",), thresholds=rows, offset=offset, step=step
            )
        )
    names = tuple(operation.name for operation in operations[1:])
    operations += [Concat(name="all", inputs=names), Flatten(name="logits")]
    return IntegerNetwork(tuple(operations), (1, _PIXELS, _CHANNELS), 1.0)


def _counted(network: IntegerNetwork, greys: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the logits by NumPy's search."""
    columns = []
    for operation in network.operations:
        if isinstance(operation, Threshold):
            for row, factor in zip(operation.thresholds, _FACTORS, strict=True):
                found = np.searchsorted(row, factor * greys, side="right")
                columns.append(operation.offset + operation.step * found)
    return np.tile(np.stack(columns, axis=1), _PIXELS)


@pytest.mark.slow
def test_every_threshold_of_a_network_is_crossed_in_rtl(tmp_path: Path) -> None:
    network = _network()
    shape = (1, _PIXELS, _CHANNELS)
    images = np.broadcast_to(np.arange(256, dtype=np.uint8)[:, None, None, None], (256, *shape))
    places = {"scratch": tmp_path / "work", "build_dir": tmp_path / "verilator"}
    config = CompileConfig(target_fps=1e6)
    compiled = compile_network(network, config, tmp_path, name="edges", **places)
    simulation = Simulation(compiled.accelerator, build_dir=places["build_dir"])
    found = simulation.run(np.ascontiguousarray(images))
    np.testing.assert_array_equal(found.logits, _counted(network, np.arange(256)))
    crossed = (np.diff(found.logits, axis=0) != 0).sum(axis=0)
    assert crossed.tolist() == _edges(network) * _PIXELS


def _edges(network: IntegerNetwork) -> list[int]:
    """Return how many different thresholds each channel of each layer has."""
    layers = [op.thresholds for op in network.operations if isinstance(op, Threshold)]
    return [len(np.unique(row)) for layer in layers for row in layer]
