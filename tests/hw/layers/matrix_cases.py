# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Matrix and depthwise layers with random weights and vectors, and what NumPy says of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from layer_testbench import Dut, Stream
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp
from qonnx.util.basic import qonnx_make_model

from hw.finn.session import finn_build_dir
from hw.layers.matrix_memory import fold_weights, weight_bits
from hw.layers.matrix_registration import register_matrix_units

register_matrix_units()

PART = "xc7z020clg400-1"
ECP5 = "LFE5U-85F-6BG381C"  # on which multipliers are ours
Integers = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class MatrixCase:
    """An MVAU, or with `depthwise` a VVAU of outputs channels and a window of inputs places."""

    weight: str
    act: str
    inputs: int
    outputs: int
    pe: int
    simd: int
    vectors: int = 20
    depthwise: bool = False
    popcount: bool = False
    unit: str = "lut"
    registered: bool = False

    @property
    def name(self) -> str:
        """Return a name that tells the cases apart."""
        kind = "vvau" if self.depthwise else "popcount" if self.popcount else "mvau"
        size = f"{self.inputs}x{self.outputs}_{self.pe}x{self.simd}"
        end = "_registered" if self.registered else ""
        return f"{kind}_{self.unit}_{self.weight}_{self.act}_{size}{end}".lower()

    @property
    def cycles(self) -> int:
        """Return the cycles of a frame: each weight is used once a vector, pe * simd at a time."""
        return self.inputs * self.outputs * self.vectors // (self.pe * self.simd)

    def operands(self) -> tuple[Integers, Integers]:
        """Return weights [inputs, outputs] and activations [vectors, inputs(, channels)]."""
        rng = np.random.default_rng(len(self.name))
        shape = (self.vectors, self.inputs, *([self.outputs] if self.depthwise else []))
        weights = _integers(rng, self.weight, (self.inputs, self.outputs))
        return weights, _integers(rng, self.act, shape)

    def expected(self) -> Integers:
        """Return the sums [vectors, outputs]."""
        weights, acts = self.operands()
        if self.popcount:
            return (acts[:, :, None] == weights).sum(axis=1)
        return (acts * weights).sum(axis=1) if self.depthwise else acts @ weights

    def sum_type(self) -> str:
        """Return the narrowest datatype that holds the sums."""
        sums = self.expected()
        largest = max(int(sums.max()), -int(sums.min()) - 1, 0)
        return f"INT{largest.bit_length() + 1}"


def _integers(rng: np.random.Generator, datatype: str, shape: Sequence[int]) -> Integers:
    """Return values over the whole range, both ends in the first two rows."""
    kind = DataType[datatype]
    low, high = int(kind.min()), int(kind.max())
    values = rng.integers(low, high + 1, shape)
    if datatype == "BIPOLAR":
        values = rng.choice([-1, 1], shape)
    values[0], values[-1] = low, high
    return values


def node_of(case: MatrixCase, *, specialized: bool = True, unit: str = "") -> NodeProto:
    """Return the operator's node; a unit that is not named is chosen by cost."""
    own: dict[str, Any] = {"MW": case.inputs, "MH": case.outputs, "numInputVectors": [case.vectors]}
    if case.depthwise:
        own = {"Channels": case.outputs, "Kernel": [1, case.inputs], "Dim": [1, case.vectors]}
    return helper.make_node(
        ("VVAU" if case.depthwise else "MVAU") + ("_rtl" if specialized else ""),
        ["x", "w"],
        ["y"],
        name=case.name,
        domain="finn.custom_op.fpgadataflow" + (".rtl" if specialized else ""),
        backend="fpgadataflow",
        PE=case.pe,
        SIMD=case.simd,
        inputDataType=case.act,
        weightDataType=case.weight,
        outputDataType=case.sum_type(),
        noActivation=1,
        binaryXnorMode=int(case.popcount),
        unit=unit,
        registered=int(case.registered),
        **own,
    )


def input_of(case: MatrixCase) -> Integers:
    """Return the activations as the operator's input: depthwise, folds of channels come first."""
    acts = case.operands()[1]
    if not case.depthwise:
        return acts
    folded = acts.reshape(case.vectors, case.inputs, case.outputs // case.pe, case.pe)
    return folded.swapaxes(1, 2).reshape(1, 1, case.vectors, -1)


def model_of(case: MatrixCase, node: NodeProto | None = None) -> ModelWrapper:
    """Return the graph of the node alone, with its weights and datatypes."""
    weights = case.operands()[0]
    if case.depthwise:
        weights = weights.T.reshape(case.outputs, 1, 1, case.inputs)
    out = (1, 1) if case.depthwise else ()
    values = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape))
        for name, shape in (("x", input_of(case).shape), ("y", (*out, case.vectors, case.outputs)))
    ]
    graph = helper.make_graph([node or node_of(case)], case.name, values[:1], values[1:])
    model = ModelWrapper(qonnx_make_model(graph))
    model.set_initializer("w", weights.astype(np.float32))
    for name, datatype in (("x", case.act), ("w", case.weight), ("y", case.sum_type())):
        model.set_tensor_datatype(name, DataType[datatype])
    return model


def generate(case: MatrixCase, folder: Path) -> Dut:
    """Generate the RTL of our unit, and describe its streams; weights repeat for each vector."""
    folder.mkdir()
    model = model_of(case, node_of(case, unit=case.unit))
    layer = getCustomOp(model.graph.node[0])
    layer.set_nodeattr("code_gen_dir_ipgen", str(folder))
    with finn_build_dir(folder.parent / "finn"):
        layer.generate_hdl(model, ECP5 if case.unit == "mul" else PART, 10.0)
    bits = weight_bits(
        fold_weights(case.operands()[0], case.pe, case.simd), DataType[case.weight], planes=True
    ).astype(np.int64)
    width = int(layer.get_outstream_width()) // case.pe
    return Dut(
        name=case.name,
        modules=(str(layer.get_nodeattr("gen_top_module")),),
        sources=tuple(Path(path) for path in layer.get_rtl_file_list(abspath=True)),
        inputs=(
            _stream(input_of(case).reshape(layer.get_folded_input_shape()), case.act),
            Stream(np.tile(bits, (case.vectors, 1, 1)), 1, False),
        ),
        outputs=(Stream(case.expected().reshape(case.vectors, -1, case.pe), width, True),),
    )


def _stream(values: Integers, datatype: str) -> Stream:
    kind = DataType[datatype]
    codes = (values + 1) // 2 if datatype == "BIPOLAR" else values
    return Stream(codes.reshape(1, -1, codes.shape[-1]), kind.bitwidth(), bool(kind.signed()))


def _cases(kind: dict[str, Any], rows: Sequence[tuple[str, str, int, int, int, int]]) -> list[Any]:
    keys = ("weight", "act", "inputs", "outputs", "pe", "simd")
    return [MatrixCase(**dict(zip(keys, row, strict=True)), **kind) for row in rows]


MATRICES = _cases(
    {},
    [
        ("BIPOLAR", "BIPOLAR", 16, 8, 2, 8),
        ("BIPOLAR", "BIPOLAR", 80, 4, 4, 80),
        ("BIPOLAR", "BIPOLAR", 9, 3, 1, 1),
        ("BIPOLAR", "UINT8", 27, 8, 4, 9),
        ("BIPOLAR", "INT3", 12, 4, 2, 4),
        ("BIPOLAR", "UINT2", 70, 4, 2, 35),
        ("INT2", "BIPOLAR", 12, 6, 3, 6),
        ("UINT3", "BIPOLAR", 10, 4, 2, 5),
        ("BINARY", "BINARY", 24, 4, 4, 12),
        ("INT2", "UINT2", 36, 8, 4, 12),
        ("INT2", "INT2", 7, 5, 5, 7),
        ("INT2", "UINT2", 40, 6, 2, 40),
        ("INT3", "UINT3", 20, 4, 4, 5),
        ("INT1", "INT1", 8, 4, 2, 4),
        ("UINT2", "UINT1", 6, 9, 3, 2),
        ("INT4", "INT4", 15, 4, 1, 3),
        ("INT8", "UINT8", 12, 6, 2, 6),
        ("INT8", "INT8", 5, 2, 1, 1),
        ("UINT5", "INT7", 6, 6, 6, 3),
        ("INT17", "INT20", 2, 2, 2, 1),
        ("INT4", "UINT4", 1, 12, 3, 1),
        ("INT2", "UINT2", 64, 1, 1, 64),
    ],
) + _cases(
    {"popcount": True},
    [("BINARY", "BINARY", 18, 4, 2, 9), ("BINARY", "BINARY", 6, 2, 2, 6)],
)
DEPTHWISE = _cases(
    {"depthwise": True},
    [
        ("INT4", "UINT4", 9, 8, 4, 1),
        ("INT2", "UINT2", 9, 6, 3, 9),
        ("INT3", "INT5", 9, 4, 2, 3),
        ("INT8", "UINT8", 4, 4, 1, 2),
        ("BIPOLAR", "BIPOLAR", 9, 6, 2, 3),
        ("BIPOLAR", "UINT2", 9, 4, 4, 9),
        ("UINT2", "BIPOLAR", 25, 3, 1, 5),
        ("INT9", "INT18", 1, 6, 2, 1),
        ("INT2", "UINT2", 36, 2, 2, 36),
    ],
)
MULTIPLIED = _cases(
    {"unit": "mul"},
    [
        ("INT4", "UINT4", 36, 8, 4, 12),
        ("INT4", "UINT4", 15, 4, 1, 3),
        ("INT4", "UINT4", 1, 12, 3, 1),
        ("INT5", "UINT5", 7, 5, 5, 7),
        ("INT2", "UINT2", 40, 6, 2, 40),
        ("INT3", "UINT7", 20, 4, 4, 5),
        ("UINT3", "UINT4", 10, 4, 2, 5),
        ("INT8", "UINT8", 12, 6, 2, 6),
        ("INT4", "INT4", 24, 4, 2, 6),
        ("UINT5", "INT7", 6, 6, 6, 3),
        ("INT17", "INT18", 2, 2, 2, 1),
    ],
) + _cases(
    {"unit": "mul", "depthwise": True},
    [
        ("INT4", "UINT4", 9, 8, 4, 1),
        ("INT4", "UINT4", 9, 6, 3, 9),
        ("INT3", "INT5", 9, 4, 2, 3),
    ],
)
