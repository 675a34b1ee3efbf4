# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Networks as Brevitas and onnxruntime write them, with scales of their own at every quantizer."""

from collections.abc import Callable, Iterator
from pathlib import Path

import brevitas.nn as qnn
import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quantize_static
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from torch import Tensor, nn

from flow.errors import FlowError
from flow.lowering import InputEncoding, Lowered, lower, read_model

_PIXEL = np.float32(1 / 255)


def _conv(inputs: int, outputs: int, size: int = 3, groups: int = 1) -> nn.Module:
    settings = {"padding": size // 2, "groups": groups, "bias": False, "weight_bit_width": 4}
    layer: nn.Module = qnn.QuantConv2d(inputs, outputs, size, **settings)
    return layer


def _relu(**options: object) -> nn.Module:
    layer: nn.Module = qnn.QuantReLU(bit_width=4, return_quant_tensor=False, **options)
    return layer


def _of_channels() -> nn.Module:
    shape = {
        "per_channel_broadcastable_shape": (1, 4, 1, 1),
        "scaling_stats_permute_dims": (1, 0, 2, 3),
    }
    return _relu(scaling_per_output_channel=True, **shape)


class _Residual(nn.Module):
    """Two branches, each with a quantizer of its own, and a sum that a third one reads."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(_conv(1, 4), nn.BatchNorm2d(4), _relu())
        self.branch = nn.Sequential(
            _conv(4, 4),
            nn.BatchNorm2d(4),
            qnn.QuantIdentity(bit_width=4, return_quant_tensor=False),
        )
        self.last = _relu()

    def forward(self, x: Tensor) -> Tensor:
        """Return the quantized sum."""
        found = self.first(x)
        result: Tensor = self.last(found + self.branch(found))
        return result


BODIES: dict[str, Callable[[], nn.Module]] = {
    "residual": _Residual,
    "tanh": lambda: nn.Sequential(
        _conv(1, 4), nn.BatchNorm2d(4), qnn.QuantTanh(bit_width=4, return_quant_tensor=False)
    ),
    "sigmoid": lambda: nn.Sequential(
        _conv(1, 4), nn.BatchNorm2d(4), qnn.QuantSigmoid(bit_width=4, return_quant_tensor=False)
    ),
    "scales of channels": lambda: nn.Sequential(
        _conv(1, 4), _of_channels(), _conv(4, 4, groups=4), _relu()
    ),
}


def _exported(body: nn.Module, path: Path) -> Path:
    from brevitas.export import export_qonnx  # noqa: PLC0415 - warns when imported

    head = qnn.QuantLinear(4 * 36, 3, bias=False, weight_bit_width=4)
    start = qnn.QuantIdentity(bit_width=8, return_quant_tensor=False)
    network = nn.Sequential(start, body, nn.Flatten(), head)
    for _ in range(4):
        network(torch.rand(32, 1, 6, 6))
    export_qonnx(network.eval(), torch.rand(1, 1, 6, 6), str(path))
    return path


def _compared(
    lowered: Lowered, expected: Callable[[NDArray[np.float32]], NDArray[np.float32]]
) -> None:
    network = lowered.network
    pixels = np.random.default_rng(0).integers(0, 256, (12, *network.input_shape), dtype=np.uint8)
    logits = network.logits(pixels) * network.scale + network.offset
    bound = lowered.rounding * network.scale + 1e-5 * np.abs(logits).max()
    for image, found in zip(pixels, logits, strict=True):
        tensor = image.transpose(2, 0, 1)[None] * _PIXEL
        np.testing.assert_allclose(found, expected(tensor).reshape(-1), atol=bound)
    assert len(np.unique(logits, axis=0)) > 1


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", BODIES)
def test_brevitas_networks_equal_their_execution(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = read_model(_exported(BODIES[name](), tmp_path / "net.onnx"))
    lowered = lower(model, input_encoding=InputEncoding(scale=_PIXEL.item()))
    source, sink = model.graph.input[0].name, model.graph.output[0].name
    _compared(lowered, lambda tensor: np.asarray(execute_onnx(model, {source: tensor})[sink]))


class _Noise(CalibrationDataReader):
    def __init__(self) -> None:
        rng = np.random.default_rng(1)
        images = (rng.random((1, 2, 6, 6)).astype(np.float32) for _ in range(8))
        self.left: Iterator[dict[str, NDArray[np.float32]]] = ({"x": image} for image in images)

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        return next(self.left, None)


_CONV = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}
_RESIDUAL = [
    helper.make_node("Conv", ["x", "w0", "bias"], ["a"], **_CONV),
    helper.make_node("Relu", ["a"], ["b"]),
    helper.make_node("Conv", ["b", "w1"], ["c"], **_CONV),
    helper.make_node("Add", ["b", "c"], ["d"]),
    helper.make_node("Relu", ["d"], ["e"]),
    helper.make_node("GlobalAveragePool", ["e"], ["f"]),
    helper.make_node("Flatten", ["f"], ["g"]),
    helper.make_node("Gemm", ["g", "w2"], ["out"]),
]
_BRANCHES = [
    helper.make_node("Conv", ["x", "w0", "bias"], ["a"], **_CONV),
    helper.make_node("Relu", ["a"], ["b"]),
    helper.make_node("Conv", ["b", "w1"], ["c"], **_CONV),
    helper.make_node("Concat", ["b", "c"], ["d"], axis=1),
    helper.make_node("MaxPool", ["d"], ["e"], kernel_shape=[6, 6]),
    helper.make_node("Flatten", ["e"], ["f"]),
    helper.make_node("MatMul", ["f", "w3"], ["out"]),
]


def _float_model(nodes: list[NodeProto], path: Path, opset: int) -> None:
    rng = np.random.default_rng(0)
    shapes = {"w0": (4, 2, 3, 3), "w1": (4, 4, 3, 3), "w2": (4, 5), "w3": (8, 5), "bias": (4,)}
    read = {name for node in nodes for name in node.input}
    constants = [
        numpy_helper.from_array((0.4 * rng.normal(size=shape)).astype(np.float32), name)
        for name, shape in shapes.items()
        if name in read
    ]
    ends = [("x", [1, 2, 6, 6]), ("out", [1, 5])]
    first, last = (helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in ends)
    graph = helper.make_graph(nodes, "network", [first], [last], constants)
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8), path
    )


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("form", QuantFormat)
@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("nodes", [_RESIDUAL, _BRANCHES], ids=["residual", "branches"])
def test_networks_of_onnxruntime_equal_their_execution(
    form: QuantFormat, per_channel: bool, nodes: list[NodeProto], tmp_path: Path
) -> None:
    plain, quantized = tmp_path / "float.onnx", tmp_path / "quantized.onnx"
    _float_model(nodes, plain, opset=13 if form is QuantFormat.QDQ else 12)
    quantize_static(plain, quantized, _Noise(), quant_format=form, per_channel=per_channel)
    encoding = InputEncoding(scale=_PIXEL.item(), layout="NCHW")
    lowered = lower(read_model(quantized), input_encoding=encoding)
    settings = onnxruntime.SessionOptions()
    settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(quantized, settings)
    _compared(lowered, lambda tensor: session.run(None, {"x": tensor})[0])


def _in_qoperators(folder: Path) -> ModelWrapper:
    plain, quantized = folder / "float.onnx", folder / "quantized.onnx"
    _float_model(_RESIDUAL, plain, opset=12)
    quantize_static(plain, quantized, _Noise(), quant_format=QuantFormat.QOperator)
    return read_model(quantized)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("operator", "setting"),
    [("QGemm", {"alpha": 2.0}), ("QLinearGlobalAveragePool", {"channels_last": 1})],
)
def test_an_unusual_qoperator_is_refused(
    operator: str, setting: dict[str, object], tmp_path: Path
) -> None:
    model = _in_qoperators(tmp_path)
    (node,) = (one for one in model.graph.node if one.op_type == operator)
    del node.attribute[:]
    node.attribute.extend(helper.make_attribute(*one) for one in setting.items())
    with pytest.raises(FlowError, match=f"there is no integer form of {operator} of domain com.m"):
        lower(model, input_encoding=InputEncoding(scale=_PIXEL.item(), layout="NCHW"))


@pytest.mark.filterwarnings("ignore")
def test_a_sum_whose_type_is_not_said_is_refused(tmp_path: Path) -> None:
    model = _in_qoperators(tmp_path)
    (node,) = (one for one in model.graph.node if one.op_type == "QLinearAdd")
    del node.input[7]
    with pytest.raises(FlowError, match="there is no integer form of QLinearAdd of domain"):
        lower(model, input_encoding=InputEncoding(scale=_PIXEL.item(), layout="NCHW"))
