# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The RTL of every layer against NumPy: values under stalls, and cycles without."""

from collections.abc import Mapping
from pathlib import Path

import layer_testbench as testbench
import numpy as np
import pytest
from layer_cases import CASES, Case, generate, model_of
from layer_testbench import Dut, Result
from qonnx.custom_op.registry import getCustomOp

pytestmark = pytest.mark.slow

_CYCLES = 40_000  # far more than any case needs
_Results = Mapping[str, tuple[Result, ...]]

by_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


@pytest.fixture(scope="module")
def duts(tmp_path_factory: pytest.TempPathFactory) -> list[Dut]:
    """Generated RTL of each case."""
    folder = tmp_path_factory.mktemp("rtl")
    return [generate(case, folder / case.name) for case in CASES]


@pytest.fixture(scope="module")
def program(duts: list[Dut], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One program with all of them."""
    return testbench.build(duts, tmp_path_factory.mktemp("program"))


@pytest.fixture(scope="module")
def stalled(program: Path, duts: list[Dut]) -> list[_Results]:
    """Runs in which every stream stalls at random."""
    return [testbench.run(program, duts, seed, _CYCLES) for seed in (1, 2, 3)]


@pytest.fixture(scope="module")
def free(program: Path, duts: list[Dut]) -> _Results:
    """A run in which sources and sinks never wait."""
    return testbench.run(program, duts, 0, _CYCLES)


@by_case
def test_values_under_stalls(case: Case, stalled: list[_Results], duts: list[Dut]) -> None:
    expected = next(dut for dut in duts if dut.name == case.name).outputs
    for results in stalled:
        for result, stream in zip(results[case.name], expected, strict=True):
            np.testing.assert_array_equal(result.values, stream.values)


@by_case
def test_cycles_are_as_predicted(case: Case, free: _Results, duts: list[Dut]) -> None:
    predicted = getCustomOp(model_of(case).graph.node[0]).get_exp_cycles()
    expected = next(dut for dut in duts if dut.name == case.name).outputs
    for result, stream in zip(free[case.name], expected, strict=True):
        np.testing.assert_array_equal(result.values, stream.values)
        assert set(np.diff(result.cycles[:, -1])) == {predicted}


@by_case
def test_finns_python_agrees(case: Case) -> None:
    model = model_of(case)
    layer = getCustomOp(model.graph.node[0])
    names = [name for name in case.node.input if name not in case.constants]
    for frame in range(len(case.inputs[0])):
        context = {n: t[frame].astype(np.float32) for n, t in zip(names, case.inputs, strict=True)}
        context |= {name: values.astype(np.float32) for name, values in case.constants.items()}
        outputs = zip(case.node.output, case.outputs, strict=True)
        expected = {name: tensor[frame] for name, tensor in outputs}
        context |= {name: np.zeros(t.shape, np.float32) for name, t in expected.items()}
        layer.execute_node(context, model.graph)
        for name, tensor in expected.items():
            np.testing.assert_array_equal(context[name], tensor)
