# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""FINN's passes, unchanged, on our layers."""

import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from finn.analysis.fpgadataflow.exp_cycles_per_layer import exp_cycles_per_layer
from finn.core.onnx_exec import execute_onnx
from finn.custom_op.fpgadataflow.rtl.elementwise_binary_rtl import ElementwiseAdd_rtl
from finn.transformation.fpgadataflow.insert_dwc import InsertDWC
from finn.transformation.fpgadataflow.insert_fifo import InsertFIFO
from finn.transformation.fpgadataflow.prepare_ip import PrepareIP
from finn.transformation.fpgadataflow.set_exec_mode import SetExecMode
from finn.transformation.fpgadataflow.set_folding import SetFolding
from finn.transformation.fpgadataflow.specialize_layers import SpecializeLayers
from layer_graphs import PART, WINDOWS, operator, residual, residual_label, window_graph
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp
from qonnx.transformation.general import GiveReadableTensorNames, GiveUniqueNodeNames
from qonnx.transformation.infer_shapes import InferShapes

from hw.finn.session import finn_build_dir
from hw.layers import register
from hw.layers.registration import LAYERS


@pytest.fixture(autouse=True)
def finn_folder(tmp_path: Path) -> Iterator[Path]:
    """FINN's generated code goes to the folder of the test."""
    with finn_build_dir(tmp_path / "finn") as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of opset numbers
        yield folder


def _apply(model: ModelWrapper, *passes: object) -> ModelWrapper:
    for step in (*passes, GiveUniqueNodeNames()):
        model = model.transform(step)
    return model


def _operators(model: ModelWrapper) -> set[str]:
    return {node.op_type for node in model.graph.node}


@pytest.mark.parametrize("part", [PART, "xck26-sfvc784-2LV-c"])
def test_specialize_layers_chooses_ours(part: str) -> None:
    model = _apply(residual(), SpecializeLayers(part))
    assert {layer.__name__ for layer in LAYERS} < _operators(model)
    assert all(name.endswith("_rtl") for name in _operators(model))


def test_floats_stay_with_finn() -> None:
    node = operator("ElementwiseAdd_rtl", "ab", "y", lhs_dtype="FLOAT32", rhs_dtype="INT4")
    node.domain = "finn.custom_op.fpgadataflow.rtl"
    assert type(getCustomOp(node)) is ElementwiseAdd_rtl


def test_registering_twice_wraps_once() -> None:
    before = SetFolding.apply
    register()
    assert SetFolding.apply is before


def test_graph_gets_converters_fifos_and_code() -> None:
    model = _apply(residual(), SpecializeLayers(PART), InsertDWC(), SpecializeLayers(PART))
    model = _apply(model, InsertFIFO(create_shallow_fifos=True), SpecializeLayers(PART))
    model = _apply(model, PrepareIP(PART, 10.0))
    assert len(model.get_nodes_by_op_type("StreamingDataWidthConverter_rtl")) == 8
    assert len(model.get_nodes_by_op_type("StreamingFIFO_rtl")) == 20 + 2  # inner streams, ends
    for node in model.graph.node:
        files = getCustomOp(node).get_rtl_file_list(abspath=True)
        assert all(Path(path).is_file() for path in files), node.name


def test_graph_gives_the_label_in_python() -> None:
    model = _apply(residual(), SpecializeLayers(PART), InferShapes(), GiveReadableTensorNames())
    model = _apply(model, SetExecMode("cppsim"))
    source, sink = model.graph.input[0].name, model.graph.output[0].name
    rng = np.random.default_rng(0)
    for _ in range(5):
        x = rng.integers(0, 16, (1, 4, 4, 4))
        result = execute_onnx(model, {source: x.astype(np.float32)})[sink]
        assert int(result.item()) == residual_label(x)


def test_predicted_cycles_are_those_of_the_longest_stream() -> None:
    cycles = _apply(residual(), SpecializeLayers(PART)).analysis(exp_cycles_per_layer)
    ours = {name: int(n) for name, n in cycles.items() if not name.startswith("Conv")}
    assert ours == {
        "DuplicateStreams_rtl_0": 32, "ElementwiseAdd_rtl_0": 16, "ElementwiseAdd_rtl_1": 64,
        "DuplicateStreams_rtl_1": 32, "Pool_rtl_0": 32, "Pool_rtl_1": 32,
        "StreamingConcat_rtl_0": 8, "GlobalAccPool_rtl_0": 16, "LabelSelect_rtl_0": 8,
    }  # fmt: skip


def test_set_folding_reaches_its_target_with_our_layers() -> None:
    model = _apply(residual(), SpecializeLayers(PART))
    model = _apply(model, SetFolding(target_cycles_per_frame=16, two_pass_relaxation=False))
    cycles = model.analysis(exp_cycles_per_layer)
    ours = {name: int(n) for name, n in cycles.items() if not name.startswith("Conv")}
    assert max(ours.values()) == 16
    assert ours["LabelSelect_rtl_0"] == 8


def test_set_folding_gives_the_sliding_window_the_lanes_of_its_pool() -> None:
    model = window_graph(replace(WINDOWS[0], size=8, channels=8, pe=1))
    model = _apply(model, SpecializeLayers(PART))
    model = _apply(model, SetFolding(target_cycles_per_frame=300, two_pass_relaxation=False))
    window, pool = (getCustomOp(node) for node in model.graph.node)
    assert window.get_nodeattr("SIMD") == pool.get_nodeattr("PE") == 4  # of 1, 2, 4, 8
    assert window.get_exp_cycles() <= 300


def test_python_pools_what_finns_window_leaves_untouched_too() -> None:
    model = window_graph(replace(WINDOWS[0], size=4, datatype="INT4", out="INT4"))
    x = np.random.default_rng(0).integers(-8, 8, (1, 4, 4, 4))
    expected = x.reshape(2, 2, 2, 2, 4).max(axis=(1, 3))[None]
    for node in model.graph.node[1:]:
        node.op_type, node.domain = "Pool_rtl", "finn.custom_op.fpgadataflow.rtl"
    result = execute_onnx(model, {"x": x.astype(np.float32)})["y"]
    np.testing.assert_array_equal(result, expected)


def test_block_design_adds_sources_and_cell() -> None:
    model = _apply(residual(), SpecializeLayers(PART), PrepareIP(PART, 10.0))
    layer = getCustomOp(model.get_nodes_by_op_type("LabelSelect_rtl")[0])
    *added, cell = layer.code_generation_ipi()
    ours = ["stream_rule.sv", "stream_register.sv", "stream_argmax.sv"]
    assert [line.rsplit("/", 1)[1] for line in added] == [*ours, "LabelSelect_rtl_0.v"]
    assert cell == "create_bd_cell -type module -reference LabelSelect_rtl_0 LabelSelect_rtl_0"
