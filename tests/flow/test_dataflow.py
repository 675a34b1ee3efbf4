# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""FINN's passes on small graphs: what they compute, what is refused and how it is said."""

from pathlib import Path

import numpy as np
import pytest
from conftest import PART
from finn.transformation.fpgadataflow.set_exec_mode import SetExecMode
from qonnx.core.onnx_exec import execute_onnx
from qonnx.util.cleanup import cleanup_model
from qonnx_models import GraphBuilder, finish, tiny_qonnx

from flow.dataflow import Dataflow, fold, folding_of, to_dataflow
from flow.errors import FlowError
from flow.integer import IntegerNetwork, lower
from flow.settings import CompileConfig, FoldingConfig

ALL_ONE = {f"MVAU_rtl_{index}": FoldingConfig(pe=1, simd=1) for index in range(3)}


@pytest.mark.parametrize("bits", [2, 3, 4])
@pytest.mark.parametrize("size", [5, 6])
def test_integer_network_equals_finns_execution(bits: int, size: int, tmp_path: Path) -> None:
    dataflow = to_dataflow(tiny_qonnx(size=size, bits=bits, seed=bits), PART, tmp_path)
    network = lower(dataflow.model, dataflow.scale)
    images = np.random.default_rng(bits).integers(0, 256, (8, size, size, 1), dtype=np.uint8)
    model = dataflow.model.transform(SetExecMode("cppsim"))
    name_in, name_out = model.graph.input[0].name, model.graph.output[0].name
    for image, logits in zip(images, network.logits(images), strict=True):
        result = execute_onnx(model, {name_in: image[None].astype(np.float32)})[name_out]
        assert result.reshape(-1).tolist() == logits.tolist()


def test_scale_times_integer_logits_equal_the_qonnx_model(tiny_network: IntegerNetwork) -> None:
    model = cleanup_model(tiny_qonnx())
    image = np.random.default_rng(5).integers(0, 256, (1, 6, 6, 1), dtype=np.uint8)
    name_in, name_out = model.graph.input[0].name, model.graph.output[0].name
    logits = execute_onnx(model, {name_in: image.astype(np.float32)})[name_out]
    assert tiny_network.scale * tiny_network.logits(image) == pytest.approx(logits, abs=1e-5)


def test_every_unsupported_layer_is_listed_at_once(tmp_path: Path) -> None:
    graph = GraphBuilder(np.random.default_rng(0))
    graph.then("Transpose", perm=[0, 3, 1, 2])
    graph.then("MaxPool", kernel_shape=[2, 2], strides=[2, 2])
    graph.then("Conv", graph.constant(np.ones((2, 1, 3, 3))), kernel_shape=[3, 3])
    graph.then("Sigmoid")
    graph.then("Reshape", graph.constant(np.array([1, -1])))
    graph.then("MatMul", graph.weights((2, 5), 0.25, bits=1))
    with pytest.raises(FlowError, match=r"^4 layer\(s\) cannot be compiled: ") as caught:
        to_dataflow(finish(graph, 6, 5), PART, tmp_path)
    for part in (
        r"MaxPool_0 (MaxPool): max-pool has no RTL layer yet; use a strided convolution",
        r"Conv_0 (Conv): its weights are not quantized",
        r"Sigmoid_0 (Sigmoid): it is not a threshold function",
        r"MatMul_0 (MatMul): weight bit width 1 is not in 2..8",
    ):
        assert part in str(caught.value)


def test_a_layer_that_streamlining_leaves_is_named(tmp_path: Path) -> None:
    graph = GraphBuilder(np.random.default_rng(0))
    graph.flat_convolution(outputs=2)
    graph.then("MatMul", graph.weights((2, 5), 0.25))
    graph.then("Relu")  # not quantized after it
    with pytest.raises(FlowError, match=r"Relu_0 \(Relu\): it could not be moved into integer"):
        to_dataflow(finish(graph, 6, 5), PART, tmp_path)


def test_several_scales_of_the_logits_are_refused(tmp_path: Path) -> None:
    graph = GraphBuilder(np.random.default_rng(0))
    graph.flat_convolution(outputs=2)
    graph.then("MatMul", graph.weights((2, 5), 0.25))
    graph.then("Mul", graph.constant(np.arange(1.0, 6.0)))
    with pytest.raises(FlowError, match=r"the logits have 5 scales.*one positive scale"):
        to_dataflow(finish(graph, 6, 5), PART, tmp_path)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            CompileConfig(folding={"MVAU_rtl_1": FoldingConfig(pe=4, simd=1)}),
            r"MVAU_rtl_1: PE 4 does not divide 6; legal values are 1, 2, 3, 6$",
        ),
        (
            CompileConfig(folding={"MVAU_rtl_0": FoldingConfig(pe=1, simd=2)}),
            r"MVAU_rtl_0: SIMD 2 does not divide 9; legal values are 1, 3, 9$",
        ),
        (
            CompileConfig(folding={"conv1": FoldingConfig(pe=1, simd=1)}),
            r"no layer 'conv1'; layers are MVAU_rtl_0, MVAU_rtl_1, MVAU_rtl_2$",
        ),
        (
            CompileConfig(target_fps=None, folding={"MVAU_rtl_0": FoldingConfig(pe=1, simd=1)}),
            r"MVAU_rtl_1, MVAU_rtl_2 not given and target_fps is null",
        ),
        (CompileConfig(target_fps=1e9), r"1e\+09 cannot be reached: \w+ takes \d+ cycles a frame"),
    ],
)
def test_illegal_folding_is_refused(
    tiny_dataflow: Dataflow, config: CompileConfig, message: str
) -> None:
    with pytest.raises(FlowError, match=message):
        fold(tiny_dataflow.model, config)


def test_target_rate_is_met_by_every_layer(tiny_dataflow: Dataflow) -> None:
    _, cycles = fold(tiny_dataflow.model, CompileConfig(target_fps=200_000.0))
    assert max(cycles.values()) <= 500


def test_given_folding_decides_the_cycles(tiny_dataflow: Dataflow) -> None:
    _, cycles = fold(tiny_dataflow.model, CompileConfig(target_fps=None, folding=ALL_ONE))
    assert cycles["MVAU_rtl_0"] == 36 * 9 * 4  # pixels * inputs * outputs, one at a time
    assert max(cycles.values()) == max(36 * 9 * 4, 9 * 36 * 6)


def test_folding_leaves_the_given_model_alone(tiny_dataflow: Dataflow) -> None:
    before = tiny_dataflow.model.model.SerializeToString()
    fold(tiny_dataflow.model, CompileConfig(target_fps=200_000.0))
    assert tiny_dataflow.model.model.SerializeToString() == before


def test_equal_models_give_equal_dataflow_graphs(tmp_path: Path) -> None:
    graphs = [to_dataflow(tiny_qonnx(), PART, tmp_path).model.model for _ in range(2)]
    assert graphs[0].SerializeToString() == graphs[1].SerializeToString()


def test_folding_of_reads_back_what_was_asked_for(tiny_dataflow: Dataflow) -> None:
    asked = {"MVAU_rtl_1": FoldingConfig(pe=3, simd=4)}
    model, _ = fold(tiny_dataflow.model, CompileConfig(target_fps=10_000.0, folding=asked))
    assert folding_of(model)["MVAU_rtl_1"] == {"pe": 3, "simd": 4}
