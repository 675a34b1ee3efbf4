# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""FINN's own node-by-node RTL simulation of our layers, on Verilator."""

import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from finn.core.onnx_exec import execute_onnx
from finn.transformation.fpgadataflow.prepare_ip import PrepareIP
from finn.transformation.fpgadataflow.prepare_rtlsim import PrepareRTLSim
from finn.transformation.fpgadataflow.set_exec_mode import SetExecMode
from layer_cases import CASES, model_of
from layer_graphs import PART
from qonnx.custom_op.registry import getCustomOp

from hw.finn.session import finn_build_dir
from hw.xsi import binding

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def simulator(build_dir: Path, tmp_path: Path) -> Iterator[None]:
    """FINN simulates with Verilator."""
    binding.install(build_dir=build_dir)
    with finn_build_dir(tmp_path / "finn"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of opset numbers
        yield
    binding.uninstall()


@pytest.mark.parametrize("name", ["fork_2", "bias_channel"])
def test_rtlsim_equals_numpy(name: str) -> None:
    case = next(case for case in CASES if case.name == name)
    model = model_of(case).transform(PrepareIP(PART, 10.0))
    model = model.transform(PrepareRTLSim(num_workers=1)).transform(SetExecMode("rtlsim"))
    names = [value.name for value in model.graph.input]
    frame = {n: t[2].astype(np.float32) for n, t in zip(names, case.inputs, strict=True)}
    results = execute_onnx(model, frame)
    for output, tensor in zip(case.node.output, case.outputs, strict=True):
        np.testing.assert_array_equal(results[output], tensor[2])
    layer = getCustomOp(model.graph.node[0])
    cycles = layer.get_nodeattr("cycles_rtlsim")
    assert layer.get_exp_cycles() <= cycles <= layer.get_exp_cycles() + 20
