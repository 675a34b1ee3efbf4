# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""FIFOs before matrix layers: how deep, and what that takes, beside synthesis."""

from pathlib import Path

import pytest
from qonnx.custom_op.registry import getCustomOp

import hw
from flow.bench.cost_check import candidate
from flow.compile._fifo_depths import expected_depths, fifo_cost
from flow.dataflow import fold_to_fit, to_dataflow, with_streams
from hw.parts import find_part
from hw.synth import synthesize_module

_PART = "xc7z020clg400-1"
_FIFO = Path(hw.__file__).parent / "rtl" / "synth" / "fifo.sv"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("depth", "width"), [(2, 8), (33, 24), (57, 8), (60, 16), (114, 16), (228, 16), (402, 8)]
)
def test_a_fifo_takes_what_yosys_counts(depth: int, width: int, tmp_path: Path) -> None:
    parameters = {"DEPTH": depth, "DATA_WIDTH": width}
    part = find_part(_PART)
    found = synthesize_module("fifo", [_FIFO], part, build_dir=tmp_path, parameters=parameters)
    expected = fifo_cost(depth, width, _PART)
    assert expected.bram18 == 2 * found.bram36
    assert expected.lut == pytest.approx(found.lut, abs=12)


# What simulation sized, or the range of depths that the FIFO's LUTs by Yosys stand for.
@pytest.mark.parametrize(
    ("seed", "low", "high"),
    [
        *((1003, 65, 129), (1004, 2, 33), (1007, 34, 64), (1011, 395, 410)),
        *((1013, 130, 257), (1016, 130, 257)),  # in LUTs
    ],
)
def test_what_waits_for_a_repeated_vector_is_foreseen(seed: int, low: int, high: int) -> None:
    network, config = candidate(seed)
    folded = fold_to_fit(to_dataflow(network, config.part), config)
    layers = [getCustomOp(node) for node in with_streams(folded.model, config.part).graph.node]
    *_, classifier = expected_depths(layers).values()
    assert low <= classifier <= high
