# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""FINN's passes on the matrix operators, unchanged: code generation and rtlsim of single nodes."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from finn.core.onnx_exec import execute_onnx
from finn.transformation.fpgadataflow.prepare_ip import PrepareIP
from finn.transformation.fpgadataflow.prepare_rtlsim import PrepareRTLSim
from finn.transformation.fpgadataflow.set_exec_mode import SetExecMode
from matrix_cases import PART, MatrixCase, input_of, model_of, node_of
from qonnx.custom_op.registry import getCustomOp

from hw.finn.session import finn_build_dir
from hw.xsi import binding

pytestmark = pytest.mark.slow

_CASES = (
    MatrixCase(weight="BIPOLAR", act="UINT2", inputs=12, outputs=4, pe=2, simd=6, vectors=3),
    MatrixCase(
        weight="BIPOLAR", act="BIPOLAR", inputs=9, outputs=6, pe=2, simd=3, vectors=4,
        depthwise=True,
    ),
)  # fmt: skip


@pytest.fixture(autouse=True)
def verilator(tmp_path: Path) -> Iterator[None]:
    """FINN simulates with Verilator."""
    binding.install(build_dir=tmp_path / "models")
    with finn_build_dir(tmp_path / "finn"):
        yield
    binding.uninstall()


@pytest.mark.parametrize("case", _CASES, ids=lambda case: case.name)
def test_rtlsim_of_a_node_is_exact(case: MatrixCase) -> None:
    model = model_of(case, node_of(case, unit="lut"))
    model = model.transform(PrepareIP(PART, 10.0)).transform(PrepareRTLSim(num_workers=1))
    model = model.transform(SetExecMode("rtlsim"))
    result = execute_onnx(model, {"x": input_of(case).astype(np.float32)})["y"]
    np.testing.assert_array_equal(result.reshape(case.vectors, -1), case.expected())
    (node,) = model.graph.node
    assert getCustomOp(node).get_nodeattr("cycles_rtlsim") >= case.cycles
