# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The RTL of the matrix and depthwise units against NumPy: values under stalls, cycles without."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import layer_testbench as testbench
import numpy as np
import pytest
from layer_testbench import Dut, Result
from matrix_cases import DEPTHWISE, MATRICES, MULTIPLIED, MatrixCase, generate, model_of
from qonnx.custom_op.registry import getCustomOp

pytestmark = pytest.mark.slow

_PLAIN = MATRICES + DEPTHWISE
_CASES = _PLAIN + [replace(case, registered=True) for case in _PLAIN] + MULTIPLIED
_CYCLES = 40_000  # far more than any case needs
_Results = Mapping[str, tuple[Result, ...]]

by_case = pytest.mark.parametrize("case", _CASES, ids=lambda case: case.name)


@pytest.fixture(scope="module")
def duts(tmp_path_factory: pytest.TempPathFactory) -> list[Dut]:
    """Generated RTL of each case."""
    folder = tmp_path_factory.mktemp("rtl")
    return [generate(case, folder / case.name) for case in _CASES]


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
def test_values_under_stalls(case: MatrixCase, stalled: list[_Results]) -> None:
    expected = case.expected().reshape(case.vectors, -1, case.pe)
    for results in stalled:
        np.testing.assert_array_equal(results[case.name][0].values, expected)


@by_case
def test_cycles_are_as_predicted(case: MatrixCase, free: _Results) -> None:
    (result,) = free[case.name]
    predicted = getCustomOp(model_of(case).graph.node[0]).get_exp_cycles()
    assert predicted == case.cycles
    assert set(np.diff(result.cycles[:, -1])) == {predicted // case.vectors}
