# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The RTL of thresholds: every threshold of a layer is met from below and from above."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import finn
import layer_testbench as testbench
import numpy as np
import pytest
from layer_cases import make_node
from layer_testbench import Dut, Result, Stream
from numpy.typing import NDArray
from onnx import TensorProto, helper
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp
from qonnx.util.basic import qonnx_make_model

from hw.errors import HardwareError
from hw.finn.library_patches import patch_library_file
from hw.finn.session import finn_build_dir
from hw.layers.threshold_memory import threshold_resources

_LIBRARY = Path(finn.__file__).parent / "finn-rtllib"
_CYCLES = 20_000  # far more than any case needs
_VECTORS = 60  # enough of them to meet every kind of stall


@dataclass(frozen=True, kw_only=True)
class _Case:
    """`count` thresholds a channel, spread over what `kind` holds; outputs from `offset` on."""

    name: str
    into: str
    kind: str  # of the thresholds
    out: str
    count: int
    offset: int = 0
    channels: int = 4
    pe: int = 1
    shared: bool = False

    def thresholds(self) -> NDArray[np.int64]:
        """Return int64[C or 1, N], ascending."""
        ends, lowest = DataType[self.kind], DataType[self.into].min()
        first = int(max(ends.min() + 1 if lowest < 0 else 0, lowest))
        rows = 1 if self.shared else self.channels
        rng = np.random.default_rng(len(self.name))
        return np.sort(rng.integers(first, int(ends.max()) + 1, (rows, self.count)), axis=1)

    def values(self) -> NDArray[np.int64]:
        """Return the vectors int64[V, C] in which each channel meets its thresholds' edges."""
        ends, thresholds = DataType[self.into], self.thresholds()
        edges = np.concatenate([thresholds - 1, thresholds], axis=1)
        edges = np.broadcast_to(edges, (self.channels, edges.shape[1]))
        extremes = np.full((self.channels, 2), (int(ends.min()), int(ends.max())))
        values = np.concatenate([edges, extremes], axis=1).clip(*extremes[0]).T
        return np.tile(values, (1 + _VECTORS // len(values), 1))

    def outputs(self) -> NDArray[np.int64]:
        """Return what NumPy counts."""
        rows = np.broadcast_to(self.thresholds(), (self.channels, self.count))
        columns = zip(rows, self.values().T, strict=True)
        counts = [np.searchsorted(row, column, side="right") for row, column in columns]
        found = np.stack(counts, axis=1) + self.offset
        return 2 * found - 1 if self.out == "BIPOLAR" else found

    def model(self) -> ModelWrapper:
        """Return the graph of the node alone."""
        shape = [1, len(self.values()), self.channels]
        node = make_node(
            "Thresholding", self.name, ["x", "t"], ["y"], NumChannels=self.channels, PE=self.pe,
            numSteps=self.count, inputDataType=self.into, weightDataType=self.kind,
            outputDataType=self.out, ActVal=self.offset, numInputVectors=shape[:-1],
        )  # fmt: skip
        ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, shape) for n in ("x", "y")]
        model = ModelWrapper(qonnx_make_model(helper.make_graph([node], "g", ends[:1], ends[1:])))
        model.set_initializer("t", self.thresholds().astype(np.float32))
        return model

    def dut(self, folder: Path) -> Dut:
        """Return the generated module with its streams."""
        model, folder = self.model(), folder / self.name
        layer = getCustomOp(model.graph.node[0])
        with finn_build_dir(folder):
            layer.set_nodeattr("code_gen_dir_ipgen", str(folder))
            layer.generate_hdl(model, "xc7z020clg400-1", 10.0)
            paths = [Path(path) for path in layer.get_rtl_file_list(abspath=True)]
        sources = tuple(_relocated(path, folder) for path in paths)
        streams = ((self.values(), self.into), (self.outputs(), self.out))
        source, sink = (_stream(values, kind, self.pe) for values, kind in streams)
        return Dut(self.name, (self.name,), sources, (source,), (sink,))


def _relocated(path: Path, folder: Path) -> Path:
    """Return a copy of a source as an accelerator has it, with memories of this folder."""
    name = path.relative_to(_LIBRARY).as_posix() if path.is_relative_to(_LIBRARY) else path.name
    text = patch_library_file(name, path.read_text()).replace('"./', f'"{folder}/')
    copy = folder.parent / path.name
    copy.write_text(text)
    return copy


def _stream(values: NDArray[np.int64], kind: str, lanes: int) -> Stream:
    codes = (values + 1) // 2 if kind == "BIPOLAR" else values
    signed = DataType[kind].signed() and kind != "BIPOLAR"
    return Stream(codes.reshape(1, -1, lanes), int(DataType[kind].bitwidth()), signed)


CASES = (
    _Case(name="from_minus_7", into="INT12", kind="INT11", out="INT5", count=15, offset=-7, pe=2),
    _Case(name="from_minus_15", into="INT9", kind="INT9", out="INT5", count=15, offset=-15),
    _Case(name="from_minus_200", into="INT12", kind="INT12", out="INT9", count=15, offset=-200),
    _Case(name="from_7", into="UINT8", kind="UINT8", out="UINT5", count=15, offset=7, pe=4),
    _Case(name="from_100", into="INT12", kind="INT10", out="UINT8", count=27, offset=100),
    _Case(name="no_power_of_two", into="INT10", kind="INT10", out="UINT4", count=10, pe=2),
    _Case(name="a_power_of_two", into="UINT8", kind="UINT8", out="INT4", count=8, offset=-4),
    _Case(name="one", into="INT9", kind="INT6", out="UINT1", count=1, pe=4),
    _Case(name="two", into="INT9", kind="INT9", out="INT2", count=2, offset=-1, channels=3),
    _Case(name="bipolar", into="INT9", kind="INT8", out="BIPOLAR", count=1, channels=6, pe=3),
    _Case(name="bits_8", into="INT20", kind="INT18", out="INT8", count=254, offset=-127,
          channels=2),
    _Case(name="bits_8_zero_point", into="INT16", kind="INT16", out="INT9", count=255, offset=-131,
          channels=2),
    _Case(name="shared", into="INT9", kind="INT9", out="INT5", count=9, offset=-11, channels=6,
          pe=2, shared=True),
    _Case(name="odd_folds", into="INT9", kind="INT9", out="INT6", count=6, offset=-20, channels=9,
          pe=3),
    _Case(name="equal_ones", into="UINT2", kind="UINT2", out="INT5", count=15, offset=-3),
)  # fmt: skip

by_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


@pytest.fixture(scope="module")
def stalled(tmp_path_factory: pytest.TempPathFactory) -> list[Mapping[str, tuple[Result, ...]]]:
    """Runs of one program with all cases, in which every stream stalls at random."""
    folder = tmp_path_factory.mktemp("thresholds")
    duts = [case.dut(folder) for case in CASES]
    program = testbench.build(duts, tmp_path_factory.mktemp("program"))
    return testbench.run_with(program, duts, (1, 2), _CYCLES)


@pytest.mark.slow
@by_case
def test_every_threshold_is_reached_at_its_value_and_not_below(
    case: _Case, stalled: list[Mapping[str, tuple[Result, ...]]]
) -> None:
    expected = _stream(case.outputs(), case.out, case.pe).values
    for results in stalled:
        np.testing.assert_array_equal(results[case.name][0].values, expected)


@by_case
def test_memories_are_those_that_the_layer_names_and_counts(case: _Case, tmp_path: Path) -> None:
    model = case.model()
    layer = getCustomOp(model.graph.node[0])
    layer.set_nodeattr("code_gen_dir_ipgen", str(tmp_path))
    with finn_build_dir(tmp_path / "finn"):
        layer.generate_hdl(model, "xc7z020clg400-1", 10.0)
    names = layer.get_all_meminit_filenames(abspath=True)
    assert sorted(map(str, tmp_path.glob("*.dat"))) == sorted(names)
    depths = [len(Path(name).read_text().split()) for name in names]
    counted = [int(depth) for _, depth in layer.get_pe_mem_geometries()]
    assert depths == [depth for depth in counted for _ in range(case.pe)]
    assert len(counted) == int(np.ceil(np.log2(case.count + 1)))


def test_one_row_for_all_channels_costs_one_row() -> None:
    lut = []
    for shared in (False, True):
        layer = getCustomOp(
            _Case(name="x", into="INT9", kind="INT9", out="UINT4", count=15, channels=512)
            .model().graph.node[0]
        )  # fmt: skip
        layer.set_nodeattr("shared", int(shared))
        lut.append(threshold_resources(layer, "xc7z020clg400-1").lut)
    assert lut[1] == 4 * 9  # a LUT a bit and stage
    assert lut[0] > 20 * lut[1]


@pytest.mark.parametrize(
    ("thresholds", "message"),
    [
        (np.full((4, 3), 0.5), r"n: thresholds \[4, 3\] are no integers \[4 or 1, 3\]; round them"),
        (np.zeros((2, 3)), r"n: thresholds \[2, 3\] are no integers \[4 or 1, 3\]; round them up"),
        (np.full((4, 3), 99), r"weights: 99 to 99 are no INT4; choose a type that holds them"),
    ],
)
def test_other_thresholds_are_refused(
    thresholds: NDArray[np.float64], message: str, tmp_path: Path
) -> None:
    case = _Case(name="n", into="INT4", kind="INT4", out="UINT2", count=3)
    layer = getCustomOp(case.model().graph.node[0])
    with pytest.raises(HardwareError, match=message):
        layer.make_weight_file(thresholds, "internal_embedded", str(tmp_path / "memblock.dat"))
