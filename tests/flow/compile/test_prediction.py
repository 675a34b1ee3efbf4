# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The cost model beside what `steelflow bench search-cost` counted once by Yosys and RTL."""

from dataclasses import dataclass

import pytest

from flow.bench.cost_check import candidate
from flow.compile.prediction import predict
from flow.config import CompileConfig, NetworkConfig, parse_section
from flow.errors import FlowError
from flow.export.deployment import untrained
from flow.training.configured import network_settings


@dataclass(frozen=True)
class Counted:
    seed: int
    lut: int
    bram36: float
    cycles: int


@pytest.mark.parametrize(
    "counted",
    [
        Counted(seed=1, lut=1966, bram36=0.5, cycles=9216),
        Counted(seed=3, lut=1478, bram36=0.0, cycles=4608),
        Counted(seed=4, lut=1598, bram36=1.5, cycles=36_864),
        Counted(seed=1011, lut=849, bram36=0.5, cycles=5120),  # of a FIFO with 402 words
        Counted(seed=1013, lut=1084, bram36=2.5, cycles=7680),  # of one just short enough for LUTs
    ],
    ids=str,
)
def test_a_candidate_is_predicted_as_it_was_counted(counted: Counted) -> None:
    found = predict(*candidate(counted.seed))
    assert (found.bram36, found.dsp, found.cycles) == (counted.bram36, 0, counted.cycles)
    assert found.lut == pytest.approx(counted.lut, rel=0.12)


def test_a_rate_that_no_folding_reaches_is_refused() -> None:
    network, target = candidate(3)
    with pytest.raises(FlowError, match=r"target_fps: 1e\+08 cannot be reached"):
        predict(network, target.model_copy(update={"target_fps": 1e8}))


# Of 28x28 images on a Zynq 7010, with weights of chance, by Yosys and RTL.
def test_a_network_on_mnist_is_predicted_with_the_fifo_before_its_slowest_window() -> None:
    shape = {"architecture": "conv_small", "width": 0.75, "input_bits": 1}
    config = parse_section(NetworkConfig, shape, "network")
    settings = network_settings(config, input_shape=(28, 28, 1), classes=10)
    target = CompileConfig(part="xc7z010clg400-1", target_fps=10_000.0)
    found = predict(untrained(settings), target)
    assert (found.bram36, found.cycles) == (12.5, 9842)
    assert found.lut == pytest.approx(4345, rel=0.05)
