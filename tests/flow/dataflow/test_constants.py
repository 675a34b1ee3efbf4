# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What memories must hold, from the network: every operation's constants, and nothing unknown."""

from pathlib import Path

import numpy as np
import pytest
from qonnx.core.modelwrapper import ModelWrapper

from flow.compile import compile_network
from flow.compile import network as chain
from flow.config import CompileConfig
from flow.dataflow import expected_memories, to_dataflow
from flow.errors import FlowError
from flow.integer import Convolution, Flatten, IntegerNetwork, Operation, SumPool, Threshold
from hw.accelerator import Accelerator
from hw.errors import HardwareError
from hw.proof import Weights
from hw.stitch.stitching import stitch

PART = "xc7z020clg400-1"


def _network(*operations: Operation) -> IntegerNetwork:
    return IntegerNetwork((*operations, Flatten(name="f")), (2, 2, 4), 1.0)


def _both(*operations: Operation) -> tuple[IntegerNetwork, ModelWrapper]:
    network = _network(*operations)
    return network, to_dataflow(network, PART)


def test_grouped_weights_are_those_of_the_products() -> None:
    rng = np.random.default_rng(0)
    weights = rng.integers(-3, 4, (2, 2, 2, 6))
    network, model = _both(Convolution(name="c", weights=weights, groups=2))
    (memory,) = expected_memories(network, model).values()
    assert isinstance(memory, Weights)
    images = rng.integers(0, 256, (5, 2, 2, 4))
    found = images.reshape(5, -1) @ memory.matrix
    np.testing.assert_array_equal(found, network.operations[0].apply(images).reshape(5, -1))


def test_a_sum_of_signs_is_a_product_by_ones() -> None:
    sign = Threshold(name="s", thresholds=np.array([[100]]), offset=-1, step=2)
    network, model = _both(sign, SumPool(name="p", kernel=(2, 2), stride=(1, 1)))
    memory = expected_memories(network, model)["VVAU_rtl_0"]
    assert isinstance(memory, Weights)
    assert memory.matrix.tolist() == np.ones((4, 4)).tolist()


def test_constants_that_no_layer_holds_are_refused() -> None:
    convolution = Convolution(name="c", weights=np.ones((1, 1, 4, 2), int))
    _, model = _both(convolution)
    threshold = Threshold(name="t", thresholds=np.array([[9]]), offset=0)
    with pytest.raises(FlowError, match=r"t: no layer holds its constants; report this network"):
        expected_memories(_network(convolution, threshold), model)


def test_a_layer_of_no_operation_is_refused() -> None:
    _, model = _both(Convolution(name="c", weights=np.ones((1, 1, 4, 2), int)))
    with pytest.raises(
        FlowError, match=r"MVAU_rtl_0: its constants stand for no operation .*\(c\)"
    ):
        expected_memories(_network(), model)


def test_a_wrong_memory_stops_the_compilation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    def wrong(*arguments: object, **named: object) -> Accelerator:
        accelerator: Accelerator = stitch(*arguments, **named)  # type: ignore[arg-type]
        (path,) = accelerator.folder.glob("memory/MVAU_rtl_0/*.dat")
        path.write_text("0" + path.read_text()[1:])
        return accelerator

    monkeypatch.setattr(chain, "stitch", wrong)
    network = _network(Convolution(name="c", weights=np.full((1, 1, 4, 2), -2)))
    with pytest.raises(HardwareError, match=r"MVAU_rtl_0: memory and network differ: weight"):
        compile_network(
            network, CompileConfig(), tmp_path, name="x", scratch=tmp_path, build_dir=tmp_path
        )
