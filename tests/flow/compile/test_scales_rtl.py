# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""One network with functions, two sums of several scales and clamped logits, in the whole RTL."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import TensorProto
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper

from flow.compile import compile_network
from flow.config import CompileConfig
from flow.lowering import lower
from flow.lowering.graph_writer import GraphWriter
from hw.verilator.simulation import Simulation


def _weights(g: GraphWriter, shape: tuple[int, ...], scale: NDArray[np.float64] | float) -> str:
    codes = np.random.default_rng(len(shape)).integers(-7, 8, shape)
    return g.quant(g.constant(codes * scale), scale, 4, signed=True, narrow=True)


def _model() -> ModelWrapper:
    """Return Tanh, a sum of two scales, a concatenation, scales of classes and a Relu."""
    g = GraphWriter()
    g.values["images"] = np.arange(18, dtype=np.float32).reshape(1, 2, 3, 3) * 14
    sums = g.node("Conv", "images", _weights(g, (3, 2, 1, 1), 0.125))
    small = g.node("Mul", sums, g.constant(0.0078125))
    curved = g.quant(g.node("Tanh", small), 0.171, 4, signed=True)
    leaky = g.quant(g.node("LeakyRelu", small, alpha=0.1), 0.0937, 4, signed=True)
    total = g.quant(g.node("Add", curved, leaky), 0.2113, 4, signed=True)
    joined = g.node("Flatten", g.node("Concat", total, curved, axis=1), axis=1)
    classes = np.array([[0.25, 0.1734, 0.3391]])
    logits = g.node("MatMul", joined, _weights(g, (54, 3), classes))
    output = g.node("Relu", logits)
    model = g.model(("images", [1, 2, 3, 3]), (output, [1, 3]), TensorProto.FLOAT)
    model.set_tensor_datatype("images", DataType["UINT8"])
    model.set_tensor_layout("images", list("NCHW"))
    return model


@pytest.mark.slow
def test_functions_scales_and_clamps_equal_the_integers(tmp_path: Path) -> None:
    network = lower(_model()).network
    scratch, build_dir = tmp_path / "work", tmp_path / "verilator"
    config = CompileConfig(target_fps=1e6)
    compiled = compile_network(
        network, config, tmp_path, name="scales", scratch=scratch, build_dir=build_dir
    )
    images = np.random.default_rng(0).integers(0, 256, (64, 3, 3, 2), dtype=np.uint8)
    found = Simulation(compiled.accelerator, build_dir=build_dir).run(images)
    np.testing.assert_array_equal(found.logits, network.logits(images))
    assert len(np.unique(found.logits)) > 10
