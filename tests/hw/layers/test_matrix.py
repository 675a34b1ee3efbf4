# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The matrix operators as FINN sees them: choice, execution, files."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from finn.custom_op.fpgadataflow.matrixvectoractivation import (
    MVAU as FinnMVAU,  # noqa: N811
)
from finn.transformation.fpgadataflow.specialize_layers import SpecializeLayers
from finn.util.data_packing import npy_to_rtlsim_input
from matrix_cases import DEPTHWISE, ECP5, MATRICES, PART, MatrixCase, input_of, model_of, node_of
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp

from hw.errors import HardwareError
from hw.finn.session import finn_build_dir
from hw.layers.matrix import MVAU_rtl
from hw.layers.matrix_shape import Operand
from hw.layers.matrix_unit import MatrixUnit
from hw.layers.vector import VVAU_rtl

_KV260 = "xck26-sfvc784-2LV-c"
_FOUR_BITS = MatrixCase(
    weight="INT4", act="UINT4", inputs=24, outputs=8, pe=4, simd=6, vectors=1
)  # fmt: skip
_TWO_BITS = MatrixCase(
    weight="INT2", act="UINT2", inputs=24, outputs=8, pe=4, simd=6, vectors=1
)  # fmt: skip

_EIGHT_BITS = replace(_FOUR_BITS, weight="INT8", act="UINT8")

by_case = pytest.mark.parametrize("case", MATRICES + DEPTHWISE, ids=lambda case: case.name)


def _fits_float32(case: MatrixCase) -> bool:
    """Say whether FINN's tensors hold the sums."""
    return DataType[case.sum_type()].bitwidth() <= 25


def _layer(case: MatrixCase, unit: str = "") -> MatrixUnit:
    return getCustomOp(model_of(case, node_of(case, unit=unit)).graph.node[0])


def _narrow_model(case: MatrixCase, unit: str = "") -> ModelWrapper:
    """Return a model whose weights leave out the most negative one."""
    model = model_of(case, node_of(case, unit=unit))
    weights = np.maximum(model.get_initializer("w"), 1 - 2 ** (Operand.of(
        DataType[case.weight]).bits - 1))  # fmt: skip
    model.set_initializer("w", weights)
    return model


@by_case
def test_specialisation_takes_rtl(case: MatrixCase) -> None:
    model = model_of(case, node_of(case, specialized=False))
    (node,) = model.transform(SpecializeLayers(PART)).graph.node
    assert isinstance(getCustomOp(node), VVAU_rtl if case.depthwise else MVAU_rtl)


def test_specialisation_leaves_hls_to_who_asks_for_it() -> None:
    model = model_of(_FOUR_BITS, node_of(_FOUR_BITS, specialized=False))
    getCustomOp(model.graph.node[0]).set_nodeattr("preferred_impl_style", "hls")
    assert model.transform(SpecializeLayers(PART)).graph.node[0].op_type == "MVAU_hls"


def test_specialisation_leaves_thresholds_inside_to_finn() -> None:
    model = model_of(_FOUR_BITS, node_of(_FOUR_BITS, specialized=False))
    getCustomOp(model.graph.node[0]).set_nodeattr("noActivation", 0)
    assert model.transform(SpecializeLayers(PART)).graph.node[0].op_type == "MVAU_hls"


@pytest.mark.parametrize("case", [c for c in MATRICES + DEPTHWISE if _fits_float32(c)],
                         ids=lambda case: case.name)  # fmt: skip
@pytest.mark.parametrize("specialized", [False, True])
def test_execution_is_exact(case: MatrixCase, specialized: bool) -> None:
    model = model_of(case, node_of(case, specialized=specialized))
    shape = model.get_tensor_shape("y")
    context = {"x": input_of(case).astype(np.float32), "w": model.get_initializer("w"),
               "y": np.zeros(shape, np.float32)}  # fmt: skip
    getCustomOp(model.graph.node[0]).execute_node(context, model.graph)
    np.testing.assert_array_equal(context["y"], case.expected().reshape(shape))


def test_popcount_is_that_of_finn() -> None:
    case = next(case for case in MATRICES if case.popcount)
    model = model_of(case)
    context = {"x": input_of(case).astype(np.float32), "w": model.get_initializer("w"),
               "y": np.zeros(model.get_tensor_shape("y"), np.float32)}  # fmt: skip
    FinnMVAU(model.graph.node[0]).execute_node(context, model.graph)
    np.testing.assert_array_equal(context["y"], case.expected())


@pytest.mark.parametrize("mode", ["decoupled_verilog_dat", "decoupled_runtime", "decoupled_npy"])
@pytest.mark.parametrize("case", [_FOUR_BITS, _TWO_BITS, MATRICES[0]],
                         ids=lambda case: case.name)  # fmt: skip
def test_files_of_finns_unit_are_finns(mode: str, case: MatrixCase, tmp_path: Path) -> None:
    layer, weights = _layer(case, "dsp"), model_of(case).get_initializer("w")
    layer.make_weight_file(weights, mode, str(tmp_path / "ours.npy"))
    layer.finn_op(layer.onnx_node).make_weight_file(weights, mode, str(tmp_path / "finns.npy"))
    assert (tmp_path / "ours.npy").read_bytes() == (tmp_path / "finns.npy").read_bytes()


def test_memory_of_finns_depthwise_unit_is_finns(tmp_path: Path) -> None:
    layer, weights = _layer(DEPTHWISE[1], "dsp"), model_of(DEPTHWISE[1]).get_initializer("w")
    for name, operator in (("ours", layer), ("finns", layer.finn_op(layer.onnx_node))):
        operator.make_weight_file(weights, "decoupled_verilog_dat", str(tmp_path / name))
    assert (tmp_path / "ours").read_text() == (tmp_path / "finns").read_text()


@pytest.mark.parametrize("case", MATRICES[:-2], ids=lambda case: case.name)
def test_simulated_weights_are_the_memory(case: MatrixCase, tmp_path: Path) -> None:
    layer, weights = _layer(case, "lut"), model_of(case).get_initializer("w")
    layer.make_weight_file(weights, "decoupled_npy", str(tmp_path / "w.npy"))
    layer.make_weight_file(weights, "decoupled_verilog_dat", str(tmp_path / "w.dat"))
    width = layer.get_instream_width(1)
    stream = npy_to_rtlsim_input(str(tmp_path / "w.npy"), DataType[case.weight], width)
    memory = [int(line, 16) for line in (tmp_path / "w.dat").read_text().split()]
    assert [int(word) for word in stream] == memory


def test_large_memory_is_written_quickly(tmp_path: Path) -> None:
    case = MatrixCase(weight="INT2", act="UINT2", inputs=2304, outputs=256, pe=32, simd=36)
    layer, rng = _layer(case, "lut"), np.random.default_rng(0)
    weights = rng.integers(-2, 2, (case.inputs, case.outputs)).astype(np.float32)
    layer.make_weight_file(weights, "decoupled_verilog_dat", str(tmp_path / "w.dat"))
    lines = (tmp_path / "w.dat").read_text().split()
    assert {len(line) for line in lines} == {2 * 32 * 36 // 4}
    assert len(lines) == 2304 * 256 // (32 * 36)


@pytest.mark.parametrize(("case", "part", "unit"), [
    (_TWO_BITS, PART, "lut"),
    (_EIGHT_BITS, PART, "dsp"),
    (_EIGHT_BITS, _KV260, "dsp"),
    (_TWO_BITS, ECP5, "lut"),
    (_FOUR_BITS, ECP5, "mul"),
], ids=str)  # fmt: skip
def test_cheaper_unit_is_taken(case: MatrixCase, part: str, unit: str, tmp_path: Path) -> None:
    model = _narrow_model(case)
    layer = getCustomOp(model.graph.node[0])
    layer.set_nodeattr("code_gen_dir_ipgen", str(tmp_path))
    with finn_build_dir(tmp_path / "finn"):
        layer.generate_hdl(model, part, 10.0)
        assert (tmp_path / f"{case.name}_memstream_wrapper.v").exists()
        names = {Path(path).name for path in layer.get_rtl_file_list(abspath=True)}
    assert layer.get_nodeattr("unit") == unit
    assert ("mvu_lut.sv" in names) == (unit != "dsp")
    assert (layer.dsp_estimation(part) > 0) == (unit != "lut")
    assert layer.lut_estimation(part) > 0


def test_dear_dsps_leave_four_bits_to_luts() -> None:
    layer = _layer(_FOUR_BITS)
    layer.set_nodeattr("dsp_possible", 1)
    layer.set_nodeattr("lut_per_dsp", 1e6)
    assert layer.chosen_unit(PART) == "lut"


def test_weights_out_of_the_dsps_range_go_to_luts(tmp_path: Path) -> None:
    model = model_of(_FOUR_BITS)  # -8 is among them, which a DSP48E1 lane does not hold
    layer = getCustomOp(model.graph.node[0])
    layer.set_nodeattr("code_gen_dir_ipgen", str(tmp_path))
    with finn_build_dir(tmp_path / "finn"):
        layer.generate_hdl(model, PART, 10.0)
    assert layer.get_nodeattr("unit") == "lut"


def test_restype_names_the_unit_too() -> None:
    layer = _layer(_FOUR_BITS)
    layer.set_nodeattr("resType", "lut")
    layer.set_nodeattr("dsp_possible", 1)
    assert layer.chosen_unit(PART) == "lut"


@pytest.mark.parametrize(("case", "unit", "part"), [
    (MATRICES[0], "dsp", PART),
    (MATRICES[0], "mul", ECP5),
    (_FOUR_BITS, "dsp", ECP5),  # of Xilinx' slices
    (_FOUR_BITS, "mul", PART),
], ids=str)  # fmt: skip
def test_impossible_unit_is_refused(case: MatrixCase, unit: str, part: str) -> None:
    layer, (weight, act) = _layer(case, unit), (case.weight, case.act)
    layer.set_nodeattr("dsp_possible", int(case.weight != "BIPOLAR"))
    message = f"no {unit} unit computes {weight} weights times {act} on {part}; set unit to lut"
    with pytest.raises(HardwareError, match=message):
        layer.chosen_unit(part)


@pytest.mark.parametrize(("attribute", "value", "message"), [
    ("mem_mode", "external", "mem_mode is external; our matrix unit needs internal_decoupled"),
    ("pumpedMemory", 1, "pumpedMemory is 1; our matrix unit needs 0"),
    ("weightDataType", "TERNARY", "datatype TERNARY is neither INT, UINT, BINARY nor BIPOLAR"),
    ("binaryXnorMode", 1, "not all operands have one bit; set it to 0"),
])  # fmt: skip
def test_what_our_unit_lacks_is_refused(
    attribute: str, value: str | int, message: str, tmp_path: Path
) -> None:
    model = model_of(_TWO_BITS, node_of(_TWO_BITS, unit="lut"))
    layer = getCustomOp(model.graph.node[0])
    layer.set_nodeattr(attribute, value)
    layer.set_nodeattr("code_gen_dir_ipgen", str(tmp_path))
    with pytest.raises(HardwareError, match=message), finn_build_dir(tmp_path / "finn"):
        layer.generate_hdl(model, PART, 10.0)


def test_bipolar_weights_stay_bipolar() -> None:
    model = model_of(MATRICES[0])
    layer = getCustomOp(model.graph.node[0])
    assert layer.minimize_weight_bit_width(model) == DataType["BIPOLAR"]
    assert _layer(_TWO_BITS).minimize_weight_bit_width(model_of(_TWO_BITS)) == DataType["INT2"]


def test_vivado_adds_our_sources() -> None:
    layer = _layer(_TWO_BITS, "lut")
    layer.set_nodeattr("gen_top_module", "top")
    commands: list[str] = []
    layer.instantiate_ip(commands)
    added = [word for word in commands if word.startswith("add_files")]
    memory = ["stream_rule.sv", "stream_constant.sv"]  # which the weight memory's wrapper holds
    assert [Path(line.split()[-1]).name for line in added] == [*memory, *layer.get_rtl_file_list()]
    assert (
        f"create_bd_cell -type hier -reference top /{_TWO_BITS.name}/{_TWO_BITS.name}" in commands
    )


def test_block_ram_of_the_weights() -> None:
    large = _layer(replace(_TWO_BITS, inputs=2304, outputs=256, pe=32, simd=36), "lut")
    assert large.bram_estimation(PART) == large.finn_op(large.onnx_node).bram_estimation(PART)
    assert large.bram_estimation(PART) > 0
    assert _layer(_TWO_BITS, "lut").bram_estimation(PART) == 0
