# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Graphs of FINN operators before they are specialised, as FINN's own passes would leave them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, ValueInfoProto, helper
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.util.basic import qonnx_make_model

PART = "xc7z020clg400-1"


def operator(
    op_type: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: object
) -> NodeProto:
    """Return a node of FINN's that is not specialised."""
    return helper.make_node(
        op_type,
        list(inputs),
        list(outputs),
        domain="finn.custom_op.fpgadataflow",
        backend="fpgadataflow",
        **attributes,
    )


def graph(
    nodes: Sequence[NodeProto],
    tensors: dict[str, tuple[str, Sequence[int]]],
    constants: dict[str, NDArray[np.int64]],
) -> ModelWrapper:
    """Return a model from "x" to "y"; `tensors` holds datatype and shape of all."""
    infos = {name: _info(name, shape) for name, (_, shape) in tensors.items()}
    inner = [info for name, info in infos.items() if name not in ("x", "y")]
    proto = helper.make_graph(list(nodes), "g", [infos["x"]], [infos["y"]], value_info=inner)
    model = ModelWrapper(qonnx_make_model(proto))
    for name, values in constants.items():
        model.set_initializer(name, values.astype(np.float32))
    for name, (datatype, _) in tensors.items():
        model.set_tensor_datatype(name, DataType[datatype])
    return model


def _info(name: str, shape: Sequence[int]) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape))


@dataclass(frozen=True, kw_only=True)
class WindowCase:
    """A depthwise sliding window and a Pool, or with no function a plain window alone."""

    name: str
    size: int
    channels: int
    kernel: int
    stride: int
    pe: int
    datatype: str
    function: str = ""
    out: str = ""
    height: int | None = None  # 1 for a line, whose kernel has height 1 too; else the size

    @property
    def pixels(self) -> tuple[int, int]:
        """Return the rows of windows, and their columns."""
        columns = (self.size - self.kernel) // self.stride + 1
        return (columns, columns) if self.height is None else (1, columns)

    @property
    def image(self) -> tuple[int, int]:
        """Return height and width of the image."""
        return self.height or self.size, self.size

    @property
    def window(self) -> tuple[int, int]:
        """Return height and width of the kernel."""
        return self.height or self.kernel, self.kernel

    def expected(self, images: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return what leaves for [frames, size, size, channels]."""
        places = np.lib.stride_tricks.sliding_window_view(images, self.window, axis=(1, 2))
        windows = places[:, :: self.stride, :: self.stride]  # [frames, rows, columns, C, K, K]
        if not self.function:
            return windows.transpose(0, 1, 2, 4, 5, 3)
        return windows.max(axis=(4, 5)) if self.function == "MaxPool" else windows.sum(axis=(4, 5))


WINDOWS = (
    WindowCase(name="window_half", size=6, channels=4, kernel=2, stride=2, pe=2,
               datatype="UINT4", function="MaxPool", out="UINT4"),
    WindowCase(name="window_whole", size=7, channels=4, kernel=2, stride=2, pe=4,
               datatype="UINT4", function="MaxPool", out="UINT4"),
    WindowCase(name="window_overlap", size=9, channels=6, kernel=3, stride=2, pe=3,
               datatype="INT3", function="MaxPool", out="INT3"),
    WindowCase(name="window_sum", size=5, channels=2, kernel=3, stride=1, pe=1,
               datatype="INT4", function="AccPool", out="INT8"),
    WindowCase(name="window_tall", size=16, channels=4, kernel=2, stride=2, pe=1,
               datatype="BINARY", function="MaxPool", out="BINARY"),
    WindowCase(name="window_plain", size=8, channels=4, kernel=3, stride=1, pe=2,
               datatype="UINT4"),
    WindowCase(name="window_strided", size=9, channels=3, kernel=3, stride=2, pe=3,
               datatype="UINT4"),
    WindowCase(name="line_plain", size=16, channels=4, kernel=3, stride=1, pe=2,
               datatype="UINT4", height=1),
    WindowCase(name="line_strided", size=17, channels=3, kernel=2, stride=3, pe=1,
               datatype="INT5", height=1),
    WindowCase(name="line_max", size=15, channels=6, kernel=3, stride=2, pe=2,
               datatype="UINT4", function="MaxPool", out="UINT4", height=1),
    WindowCase(name="line_sum", size=12, channels=4, kernel=2, stride=2, pe=4,
               datatype="INT3", function="AccPool", out="INT4", height=1),
    WindowCase(name="line_whole", size=9, channels=4, kernel=9, stride=1, pe=1,
               datatype="UINT3", function="MaxPool", out="UINT3", height=1),
)  # fmt: skip


def window_graph(case: WindowCase) -> ModelWrapper:
    """Return the graph of a case."""
    pixels, kernel, datatype = case.pixels, case.window, case.datatype
    stride = [case.stride if case.height is None else 1, case.stride]
    window = operator(
        "ConvolutionInputGenerator", ["x"], ["w" if case.function else "y"], is1D=0,
        ConvKernelDim=list(kernel), IFMChannels=case.channels, IFMDim=list(case.image),
        OFMDim=list(pixels), SIMD=case.pe, Dilation=[1, 1], Stride=stride,
        inputDataType=datatype, outputDataType=datatype, depthwise=int(bool(case.function)),
    )  # fmt: skip
    image = (datatype, [1, *case.image, case.channels])
    windows = (datatype, [1, *pixels, kernel[0] * kernel[1] * case.channels])
    if not case.function:
        return graph([window], {"x": image, "y": windows}, {})
    pool = operator(
        "Pool", ["w"], ["y"], Channels=case.channels, PE=case.pe, KernelSize=list(kernel),
        Function=case.function, OutImgDims=list(pixels), InputDataType=datatype,
        OutputDataType=case.out,
    )  # fmt: skip
    pooled = (case.out, [1, *pixels, case.channels])
    return graph([window, pool], {"x": image, "w": windows, "y": pooled}, {})


def residual() -> ModelWrapper:
    """x -> fork -> (bias | through) -> add -> fork -> (max-pool | max-pool) -> concat -> label."""
    shape = [1, 4, 4, 4]
    fork = {"NumChannels": 4, "PE": 2, "numInputVectors": [1, 4, 4], "NumOutputStreams": 2}
    window = {
        "ConvKernelDim": [2, 2], "is1D": 0, "IFMChannels": 4, "IFMDim": [4, 4], "SIMD": 2,
        "OFMDim": [2, 2], "Dilation": [1, 1], "Stride": [2, 2], "inputDataType": "INT6",
        "outputDataType": "INT6", "depthwise": 1,
    }  # fmt: skip
    pool = {
        "Channels": 4, "PE": 2, "KernelSize": [2, 2], "Function": "MaxPool", "OutImgDims": [2, 2],
        "InputDataType": "INT6", "OutputDataType": "INT6",
    }  # fmt: skip
    add = {"lhs_shape": shape, "out_shape": shape}
    nodes = [
        operator("DuplicateStreams", ["x"], ["x0", "x1"], inputDataType="UINT4", **fork),
        operator("ElementwiseAdd", ["x0", "c"], ["b"], lhs_dtype="UINT4", rhs_dtype="INT4",
                 out_dtype="INT6", rhs_shape=[4], rhs_style="const", PE=4, **add),
        operator("ElementwiseAdd", ["b", "x1"], ["s"], lhs_dtype="INT6", rhs_dtype="UINT4",
                 out_dtype="INT6", rhs_shape=shape, PE=1, **add),
        operator("DuplicateStreams", ["s"], ["s0", "s1"], inputDataType="INT6", **fork),
        operator("ConvolutionInputGenerator", ["s0"], ["w0"], **window),
        operator("Pool", ["w0"], ["p0"], **pool),
        operator("ConvolutionInputGenerator", ["s1"], ["w1"], **window),
        operator("Pool", ["w1"], ["p1"], **pool),
        operator("StreamingConcat", ["p0", "p1"], ["j"], SIMD=4, ChannelsPerStream=[4, 4],
                 inputDataTypes=["INT6", "INT6"], numInputVectors=[1, 2, 2]),
        operator("GlobalAccPool", ["j"], ["g"], NumChannels=8, PE=2, inputDataType="INT6",
                 numInputVectors=[1, 2, 2]),
        operator("LabelSelect", ["g"], ["y"], Labels=8, PE=1, K=1, inputDataType="INT8",
                 numInputVectors=[1, 1, 1], outputDataType="UINT8"),
    ]  # fmt: skip
    tensors = {
        **dict.fromkeys(("x", "x0", "x1"), ("UINT4", shape)),
        "c": ("INT4", [4]),
        **dict.fromkeys(("b", "s", "s0", "s1"), ("INT6", shape)),
        **dict.fromkeys(("w0", "w1"), ("INT6", [1, 2, 2, 16])),
        **dict.fromkeys(("p0", "p1"), ("INT6", [1, 2, 2, 4])),
        "j": ("INT6", [1, 2, 2, 8]),
        "g": ("INT8", [1, 1, 1, 8]),
        "y": ("UINT8", [1, 1, 1, 1]),
    }
    return graph(nodes, tensors, {"c": np.array([-7, 3, 0, 5])})


def residual_label(x: NDArray[np.int64]) -> int:
    """Return what NumPy says of the graph; x is [1, 4, 4, 4]."""
    total = 2 * x + np.array([-7, 3, 0, 5])
    pooled = total.reshape(2, 2, 2, 2, 4).max(axis=(1, 3))
    return int(np.concatenate([pooled, pooled], axis=-1).sum(axis=(0, 1)).argmax())
