# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""FINN's passes on small graphs: what they compute, what is refused and how it is said."""

from pathlib import Path

import numpy as np
import pytest
from finn.transformation.fpgadataflow.set_exec_mode import SetExecMode
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.custom_op.registry import getCustomOp
from qonnx.util.cleanup import cleanup_model
from qonnx_models import tiny_qonnx

from flow.config import CompileConfig, FoldingConfig
from flow.dataflow import fold, folding_of, generate_rtl, reachable_cycles, to_dataflow
from flow.errors import FlowError
from flow.fuzz import Block, GraphSpec, build, draw
from flow.integer import (
    IMAGE,
    Concat,
    Convolution,
    Dense,
    Flatten,
    Gather,
    IntegerNetwork,
    MaxPool,
    Operation,
    Threshold,
)
from flow.lowering import lower
from hw.finn.session import finn_build_dir

PART = "xc7z020clg400-1"
ALL_ONE = {f"MVAU_rtl_{index}": FoldingConfig(pe=1, simd=1) for index in range(3)}


# FINN's Python does not see rows joined as channels for the rows that they are; RTL only streams
GAPS = GraphSpec(
    seed=8,
    image=(1, 6, 1),
    blocks=(Block(kernel=(3, 2), stride=(1, 3), padding=(0, 1, 0, 0)),),
    hardware=True,
)
SPECS = [
    spec
    for spec in (GAPS, *(draw(seed, hardware=True) for seed in range(24)))
    if "join" not in [block.kind for block in spec.blocks]
]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: f"seed{spec.seed}")
def test_finns_execution_of_random_networks_equals_the_integers(spec: GraphSpec) -> None:
    network = lower(build(spec)).network
    model = to_dataflow(network, PART).transform(SetExecMode("cppsim"))
    rng = np.random.default_rng(spec.seed)
    images = rng.integers(0, 256, (2, *network.input_shape), dtype=np.uint8)
    for image, logits in zip(images, network.logits(images), strict=True):
        (result,) = execute_onnx(model, {"global_in": image[None].astype(np.float32)}).values()
        assert result.reshape(-1).tolist() == logits.tolist()


def _thresholds_of(operations: tuple[Operation, ...]) -> ModelWrapper:
    return to_dataflow(IntegerNetwork((*operations, Flatten(name="f")), (1, 2, 1), 1.0), PART)


@pytest.mark.parametrize(
    ("image", "kernel"), [((2, 1, 1), (2, 1)), ((1, 2, 3), (1, 2)), ((3, 3, 2), (2, 2))]
)
@pytest.mark.parametrize("channelwise", [False, True])
def test_a_single_window_is_generated(
    image: tuple[int, int, int], kernel: tuple[int, int], channelwise: bool, tmp_path: Path
) -> None:
    channels = image[2]
    shape = (*kernel, 1 if channelwise else channels, channels)
    weights = np.arange(1, np.prod(shape) + 1).reshape(shape)
    groups = channels if channelwise else 1
    conv = Convolution(name="c", stride=(2, 2), weights=weights, groups=groups)
    network = IntegerNetwork((conv, Flatten(name="f")), image, 1.0)
    model = to_dataflow(network, PART)
    rate = 1e8 / reachable_cycles(model, 1)
    model, _ = fold(model, CompileConfig(target_fps=rate, clock_mhz=100.0))
    with finn_build_dir(tmp_path):
        generate_rtl(model, PART, 100.0)
    model = model.transform(SetExecMode("cppsim"))
    pixels = np.random.default_rng(0).integers(0, 256, (1, *image), dtype=np.uint8)
    (found,) = execute_onnx(model, {"global_in": pixels.astype(np.float32)}).values()
    assert found.reshape(-1).tolist() == network.logits(pixels)[0].tolist()


def test_thresholds_beyond_float32_are_kept_exactly() -> None:
    wide = 2**24 + 1
    weights = np.full((1, 1, 1, 1), 2**18)
    row = np.array([[wide, wide + 2]])
    model = _thresholds_of((
        Convolution(name="c", weights=weights), Threshold(name="t", thresholds=row, offset=0)
    ))  # fmt: skip
    (node,) = model.get_nodes_by_op_type("Thresholding_rtl")
    assert model.get_initializer(node.input[1]).tolist() == row.tolist()


def test_thresholds_of_a_sign_read_integers() -> None:
    sign = Threshold(name="s", thresholds=np.array([[100]]), offset=-1, step=2)
    model = _thresholds_of((
        sign, Threshold(name="t", thresholds=np.array([[-1, 0, 1, 2]]), offset=-3)
    ))  # fmt: skip
    node = model.get_nodes_by_op_type("Thresholding_rtl")[1]
    assert getCustomOp(node).get_nodeattr("inputDataType") == "INT2"


@pytest.mark.parametrize(("offset", "steps", "datatype"), [(-1, 2, "INT2"), (4, 1, "UINT3")])
def test_no_threshold_becomes_one_that_is_never_reached(
    offset: int, steps: int, datatype: str
) -> None:
    model = _thresholds_of((Threshold(name="t", thresholds=np.zeros((1, 0), int), offset=offset),))
    (node,) = model.get_nodes_by_op_type("Thresholding_rtl")
    assert model.get_initializer(node.input[1]).tolist() == [[256] * steps]
    assert getCustomOp(node).get_nodeattr("outputDataType") == datatype


def test_argmax_is_the_label_and_the_lowest_of_ties() -> None:
    weights = np.array([[1, 1, 0], [-1, -1, 0]])
    network = IntegerNetwork((Flatten(name="f"), Dense(name="d", weights=weights)), (1, 2, 1), 1.0)
    model = to_dataflow(network, PART, label=True).transform(SetExecMode("cppsim"))
    for pixels, label in (([9, 1], 0), ([1, 9], 2), ([3, 3], 0)):
        image = np.array(pixels, dtype=np.float32).reshape(1, 1, 2, 1)
        (result,) = execute_onnx(model, {"global_in": image}).values()
        assert result.reshape(-1).tolist() == [label]


@pytest.mark.parametrize("offset", [0.0, 1.5, -3.0])
def test_a_single_logit_has_the_label_of_its_sign(offset: float) -> None:
    dense = Dense(name="d", weights=np.array([[1], [-1]]))
    network = IntegerNetwork((Flatten(name="f"), dense), (1, 2, 1), 1.0, offset)
    model = to_dataflow(network, PART, label=True).transform(SetExecMode("cppsim"))
    for first in range(8):
        image = np.array([first, 4], dtype=np.float32).reshape(1, 1, 2, 1)
        (result,) = execute_onnx(model, {"global_in": image}).values()
        assert result.reshape(-1).tolist() == [first - 4 + offset > 0]


def test_bipolar_logits_leave_as_integers() -> None:
    dense = Dense(name="d", weights=np.array([[1, 1], [1, -1]]))
    sign = Threshold(name="t", thresholds=np.array([[9], [8]]), offset=-1, step=2)
    network = IntegerNetwork((Flatten(name="f"), dense, sign), (1, 2, 1), 1.0)
    model = to_dataflow(network, PART)
    assert model.get_tensor_datatype(model.graph.output[0].name).name == "INT2"
    image = np.array([9, 2], dtype=np.float32).reshape(1, 1, 2, 1)
    (result,) = execute_onnx(model.transform(SetExecMode("cppsim")), {"global_in": image}).values()
    assert result.reshape(-1).tolist() == [1, -1]


def _three(**threshold: int) -> Threshold:
    return Threshold(name="t", thresholds=np.array([[50, 100, 150]]), **threshold)


UNBUILDABLE = [
    ((_three(offset=0, step=3),), r"t \(levels in steps of 3; quantize to -1 and 1, or by 1\)"),
    (
        (Gather(name="g", places=np.array([[3, 2], [1, 0]]), channels=1),),
        r"g \(it takes places in an order in which they do not arrive; take rows and columns from",
    ),
    (
        (_three(offset=0), MaxPool(name="m", inputs=("image",), kernel=(1, 1), stride=(1, 1))),
        r"t \(nothing reads its output; remove it\)",
    ),
]


@pytest.mark.parametrize(("operations", "message"), UNBUILDABLE)
def test_what_no_hardware_layer_can_do_is_named(
    operations: tuple[Operation, ...], message: str
) -> None:
    network = IntegerNetwork((*operations, Flatten(name="f")), (4, 4, 1), 1.0)
    with pytest.raises(FlowError, match=rf"1 layer\(s\) cannot become hardware: {message}"):
        to_dataflow(network, PART)


def test_scale_times_integer_logits_equal_the_qonnx_model(tiny_network: IntegerNetwork) -> None:
    model = cleanup_model(tiny_qonnx())
    image = np.random.default_rng(5).integers(0, 256, (1, 6, 6, 1), dtype=np.uint8)
    name_in, name_out = model.graph.input[0].name, model.graph.output[0].name
    logits = execute_onnx(model, {name_in: image.astype(np.float32)})[name_out]
    assert tiny_network.scale * tiny_network.logits(image) == pytest.approx(logits, abs=1e-5)


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
    tiny_dataflow: ModelWrapper, config: CompileConfig, message: str
) -> None:
    with pytest.raises(FlowError, match=message):
        fold(tiny_dataflow, config)


def test_target_rate_is_met_by_every_layer(tiny_dataflow: ModelWrapper) -> None:
    _, cycles = fold(tiny_dataflow, CompileConfig(target_fps=200_000.0))
    assert max(cycles.values()) <= 500


def _joined_rows(channels: int) -> IntegerNetwork:
    """Return two images of an odd number of channels, one below the other, then every other row."""
    weights = np.ones((1, 1, 2, channels), dtype=np.int64)
    pair = [Convolution(name=name, inputs=(IMAGE,), weights=weights) for name in "ab"]
    rows = np.arange(0, 12, 2)[:, None] * 4 + np.arange(4)
    operations = (
        *pair,
        Concat(name="joined", inputs=("a", "b"), axis=0),
        Gather(name="taken", inputs=("joined",), places=rows, channels=channels),
        Flatten(name="flat"),
        Dense(name="logits", weights=np.ones((24 * channels, 2), dtype=np.int64)),
    )
    return IntegerNetwork(operations, (6, 4, 2), 1.0)


def test_lanes_are_chosen_so_that_later_layers_can_join() -> None:
    model = to_dataflow(_joined_rows(5), PART)  # two lanes of the concat would leave 1 of 5
    assert reachable_cycles(model, 120) == 120
    _, found = fold(model, CompileConfig(target_fps=1e8 / 120, clock_mhz=100.0))
    assert max(found.values()) <= 120


def test_given_folding_decides_the_cycles(tiny_dataflow: ModelWrapper) -> None:
    _, cycles = fold(tiny_dataflow, CompileConfig(target_fps=None, folding=ALL_ONE))
    assert cycles["MVAU_rtl_0"] == 36 * 9 * 4  # pixels * inputs * outputs, one at a time
    assert max(cycles.values()) == max(36 * 9 * 4, 9 * 36 * 6)


def test_folding_leaves_the_given_model_alone(tiny_dataflow: ModelWrapper) -> None:
    before = tiny_dataflow.model.SerializeToString()
    fold(tiny_dataflow, CompileConfig(target_fps=200_000.0))
    assert tiny_dataflow.model.SerializeToString() == before


def test_equal_networks_give_equal_dataflow_graphs(tiny_network: IntegerNetwork) -> None:
    graphs = [to_dataflow(tiny_network, PART).model for _ in range(2)]
    assert graphs[0].SerializeToString() == graphs[1].SerializeToString()


def test_folding_of_reads_back_what_was_asked_for(tiny_dataflow: ModelWrapper) -> None:
    asked = {"MVAU_rtl_1": FoldingConfig(pe=3, simd=4)}
    model, _ = fold(tiny_dataflow, CompileConfig(target_fps=10_000.0, folding=asked))
    assert folding_of(model)["MVAU_rtl_1"] == {"pe": 3, "simd": 4}


@pytest.mark.parametrize(("lowest", "bits"), [(-15, "INT5"), (-16, "INT6"), (-100, "INT8")])
def test_a_value_below_all_thresholds_is_left_in_their_type(lowest: int, bits: str) -> None:
    """FINN's RTL cuts -40 to -16 in INT5, which would reach a threshold of -16."""
    operations = (
        Convolution(name="c", weights=np.array([[[[1], [-1]]]]).transpose(0, 1, 3, 2)),
        Threshold(name="t", thresholds=np.array([[lowest, 3], [0, 9]]), offset=0),
        Flatten(name="f"),
    )
    model = to_dataflow(IntegerNetwork(operations, (2, 2, 1), 1.0), PART)
    (node,) = (n for n in model.graph.node if n.op_type == "Thresholding_rtl")
    assert getCustomOp(node).get_nodeattr("weightDataType") == bits
