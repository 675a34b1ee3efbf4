# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The RTL of every layer against NumPy: values under stalls, and cycles without.

Pools stand behind FINN's own sliding window, too, to show that orders agree.
"""

import warnings
from collections.abc import Mapping
from pathlib import Path

import layer_testbench as testbench
import numpy as np
import pytest
from finn.transformation.fpgadataflow.prepare_ip import PrepareIP
from finn.transformation.fpgadataflow.specialize_layers import SpecializeLayers
from layer_cases import CASES, Case, generate, model_of, random_integers
from layer_graphs import PART, WINDOWS, WindowCase, window_graph
from layer_testbench import Dut, Result, Stream
from qonnx.core.datatype import DataType
from qonnx.custom_op.registry import getCustomOp

from hw.finn.session import finn_build_dir
from hw.layers.sliding_window import window_cycles

pytestmark = pytest.mark.slow

_CYCLES = 40_000  # far more than any case needs
_IMAGES = 5  # of a window
_Results = Mapping[str, tuple[Result, ...]]

by_window = pytest.mark.parametrize("window", WINDOWS, ids=lambda window: window.name)
by_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


@pytest.fixture(scope="module")
def duts(tmp_path_factory: pytest.TempPathFactory) -> list[Dut]:
    """Generated RTL of each case."""
    folder = tmp_path_factory.mktemp("rtl")
    layers = [generate(case, folder / case.name) for case in CASES]
    return layers + [_generate_window(window, folder / window.name) for window in WINDOWS]


def _generate_window(window: WindowCase, folder: Path) -> Dut:
    with finn_build_dir(folder), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of opset numbers
        model = window_graph(window).transform(SpecializeLayers(PART))
        for node in model.graph.node:
            node.name = f"{window.name}_{node.op_type}"
        model = model.transform(PrepareIP(PART, 10.0))
        layers = [getCustomOp(node) for node in model.graph.node]
        paths = [Path(p) for layer in layers for p in layer.get_rtl_file_list(abspath=True)]
    shape = (*window.image, window.channels)
    images = random_integers(np.random.default_rng(0), window.datatype, shape, _IMAGES)
    types = (DataType[window.datatype], DataType[window.out or window.datatype])
    source, sink = (
        Stream(v.reshape(_IMAGES, -1, window.pe), int(t.bitwidth()), bool(t.signed()))
        for v, t in zip((images, window.expected(images)), types, strict=True)
    )
    link = (int(layers[0].get_outstream_width_padded()),) if window.function else ()
    names = tuple(node.name for node in model.graph.node)
    return Dut(window.name, names, tuple(dict.fromkeys(paths)), (source,), (sink,), link)


@pytest.fixture(scope="module")
def program(duts: list[Dut], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One program with all of them."""
    return testbench.build(duts, tmp_path_factory.mktemp("program"))


@pytest.fixture(scope="module")
def stalled(program: Path, duts: list[Dut]) -> list[_Results]:
    """Runs in which every stream stalls at random."""
    return testbench.run_with(program, duts, (1, 2, 3, 4), _CYCLES)


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


@by_window
def test_pool_behind_finns_window(
    window: WindowCase, stalled: list[_Results], duts: list[Dut]
) -> None:
    expected = next(dut for dut in duts if dut.name == window.name).outputs[0]
    for results in stalled:
        np.testing.assert_array_equal(results[window.name][0].values, expected.values)


@by_window
def test_cycles_of_finns_window_are_as_counted(window: WindowCase, free: _Results) -> None:
    model = window_graph(window).transform(SpecializeLayers(PART))
    counted = window_cycles(getCustomOp(model.graph.node[0]))
    assert set(np.diff(free[window.name][0].cycles[:, -1])) == {counted}


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
