# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""FIFOs before matrix layers: how deep, and what that takes, beside synthesis."""

from pathlib import Path

import pytest
from qonnx.custom_op.registry import getCustomOp

import hw
from flow.bench.cost_check import candidate
from flow.compile._fifo_depths import expected_depths, fifo_cost
from flow.config import CompileConfig, NetworkConfig, parse_section
from flow.dataflow import fold_to_fit, to_dataflow, with_streams
from flow.export.deployment import untrained
from flow.training.configured import network_settings
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


def test_the_shorter_branch_of_a_join_waits_for_the_windows_of_the_longer() -> None:
    shape = {"channels": [8, 8], "strides": [1, 2], "cells": ["conv", "residual"]}
    bits = {"weight_bits": 3, "activation_bits": 3}
    config = parse_section(NetworkConfig, shape | bits, "network")
    network = untrained(network_settings(config, input_shape=(8, 8, 1), classes=10))
    target = CompileConfig(part=_PART, target_fps=20_000.0)
    folded = fold_to_fit(to_dataflow(network, _PART), target)
    layers = [getCustomOp(node) for node in with_streams(folded.model, _PART).graph.node]
    depths = expected_depths(layers)
    makers = {output: layer for layer in layers for output in layer.onnx_node.output}
    (join,) = (layer for layer in layers if layer.onnx_node.op_type == "ElementwiseAdd_rtl")
    sides = [makers[name].onnx_node for name in join.onnx_node.input]
    assert [side.op_type for side in sides] == ["StreamingFIFO_rtl"] * 2
    assert sorted(depths[side.name] for side in sides) == [2, pytest.approx(65, abs=8)]  # by RTL
    for layer in layers:
        if layer.onnx_node.op_type in ("MVAU_rtl", "ConvolutionInputGenerator_rtl"):
            assert makers[layer.onnx_node.input[0]].onnx_node.name in depths
