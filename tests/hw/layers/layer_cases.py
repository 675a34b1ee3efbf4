# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Nodes of our layers with random frames, and what NumPy says of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from layer_testbench import Dut, Stream
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper
from qonnx.core.datatype import BaseDataType, DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp
from qonnx.util.basic import qonnx_make_model

FRAMES = 40
Tensor = NDArray[np.int64]


@dataclass(frozen=True)
class Case:
    """A node; [frames, 1, ...] of each input as it arrives and of each output; constants."""

    node: NodeProto
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    constants: Mapping[str, Tensor] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Return the node's name."""
        return str(self.node.name)


def random_integers(
    rng: np.random.Generator, datatype: str, shape: Sequence[int], frames: int = FRAMES
) -> Tensor:
    """Return frames of values over the whole range, its ends included."""
    kind = DataType[datatype]
    values = rng.integers(int(kind.min()), int(kind.max()) + 1, (frames, *shape))
    values[0], values[1] = int(kind.min()), int(kind.max())
    if datatype == "BIPOLAR":
        values[values == 0] = 1
    return values


def make_node(
    operator: str, name: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: object
) -> NodeProto:
    """Return a node of an operator of ours."""
    return helper.make_node(
        f"{operator}_rtl",
        list(inputs),
        list(outputs),
        name=name,
        domain="finn.custom_op.fpgadataflow.rtl",
        backend="fpgadataflow",
        **attributes,
    )


def pool(
    name: str, function: str, datatype: str, *, channels: int, pe: int, kernel: tuple[int, int],
    out: tuple[int, int] = (2, 3), sum_type: str = "",
) -> Case:  # fmt: skip
    """Windows that do not overlap, in the order of a depthwise sliding window."""
    rng = np.random.default_rng(len(name))
    (kh, kw), (oh, ow) = kernel, out
    images = random_integers(rng, datatype, (oh * kh, ow * kw, channels))
    windows = images.reshape(FRAMES, oh, kh, ow, kw, channels).transpose(0, 1, 3, 5, 2, 4)
    pooled = windows.max(axis=(4, 5)) if function == "MaxPool" else windows.sum(axis=(4, 5))
    stream = windows.reshape(FRAMES, oh, ow, channels // pe, pe, kh * kw)
    stream = stream.transpose(0, 1, 2, 3, 5, 4).reshape(FRAMES, 1, oh, ow, -1)
    node = make_node(
        "Pool", name, ["x"], ["y"], Channels=channels, PE=pe, KernelSize=list(kernel),
        Function=function, OutImgDims=list(out), InputDataType=datatype,
        OutputDataType=sum_type or datatype,
    )  # fmt: skip
    return Case(node, (stream,), (pooled[:, None],))


def global_sum(name: str, datatype: str, *, size: tuple[int, int], channels: int, pe: int,
               sum_type: str = "") -> Case:  # fmt: skip
    """The sum over all pixels; a narrow sum_type holds what a fifth of the range adds up to."""
    images = random_integers(np.random.default_rng(len(name)), datatype, (1, *size, channels))
    images = images // 5 if sum_type else images
    node = make_node(
        "GlobalAccPool", name, ["x"], ["y"], NumChannels=channels, PE=pe,
        inputDataType=datatype, numInputVectors=[1, *size], outputDataType=sum_type,
    )  # fmt: skip
    return Case(node, (images,), (images.sum(axis=(2, 3), keepdims=True),))


def fork(name: str, datatype: str, *, vectors: Sequence[int], channels: int, pe: int,
         outputs: int) -> Case:  # fmt: skip
    """The same on every output."""
    images = random_integers(np.random.default_rng(len(name)), datatype, (*vectors, channels))
    node = make_node(
        "DuplicateStreams", name, ["x"], [f"y{i}" for i in range(outputs)], NumChannels=channels,
        PE=pe, NumOutputStreams=outputs, inputDataType=datatype, numInputVectors=list(vectors),
    )  # fmt: skip
    return Case(node, (images,), (images,) * outputs)


def addition(name: str, left: str, right: str, out: str, *, shape: Sequence[int],
             pe: int) -> Case:  # fmt: skip
    """Two streams."""
    rng = np.random.default_rng(len(name))
    a, b = random_integers(rng, left, shape), random_integers(rng, right, shape)
    node = make_node(
        "ElementwiseAdd", name, ["a", "b"], ["y"], lhs_dtype=left, rhs_dtype=right, out_dtype=out,
        lhs_shape=list(shape), rhs_shape=list(shape), out_shape=list(shape), PE=pe,
    )  # fmt: skip
    return Case(node, (a, b), (a + b,))


def bias(name: str, left: str, right: str, out: str, *, shape: Sequence[int],
         constant: Sequence[int], pe: int, shift: int = 0) -> Case:  # fmt: skip
    """A stream and a constant a channel; with a shift, 32 values that it takes to -16 .. 15."""
    rng = np.random.default_rng(len(name))
    a, b = random_integers(rng, left, shape), random_integers(rng, right, constant)[3]
    if shift:
        a, b = a % 32 + shift, np.full_like(b, -shift - 16)
    node = make_node(
        "ElementwiseAdd", name, ["a", "b"], ["y"], lhs_dtype=left, rhs_dtype=right, out_dtype=out,
        lhs_shape=list(shape), rhs_shape=list(constant), out_shape=list(shape), PE=pe,
        rhs_style="const",
    )  # fmt: skip
    return Case(node, (a,), (a + b,), {"b": b})


def concat(name: str, datatypes: Sequence[str], channels: Sequence[int], *,
           vectors: Sequence[int], simd: int) -> Case:  # fmt: skip
    """Channels of one input after those of the other."""
    rng = np.random.default_rng(len(name))
    pairs = zip(datatypes, channels, strict=True)
    tensors = tuple(random_integers(rng, t, (*vectors, c)) for t, c in pairs)
    node = make_node(
        "StreamingConcat", name, [f"x{i}" for i in range(len(tensors))], ["y"], SIMD=simd,
        ChannelsPerStream=list(channels), inputDataTypes=list(datatypes),
        numInputVectors=list(vectors),
    )  # fmt: skip
    return Case(node, tensors, (np.concatenate(tensors, axis=-1),))


def label(name: str, datatype: str, *, labels: int, pe: int, frames: int = 80) -> Case:
    """Logits of a narrow range, so that ties are many."""
    rng = np.random.default_rng(len(name))
    logits = random_integers(rng, datatype, (1, labels), frames)
    ties = rng.integers(-1, 2, (frames // 2, 1, labels)) if DataType[datatype].signed() else None
    if ties is not None and datatype != "BIPOLAR":
        logits[2 : 2 + len(ties)] = ties
    node = make_node(
        "LabelSelect", name, ["x"], ["y"], Labels=labels, PE=pe, K=1, inputDataType=datatype,
    )  # fmt: skip
    return Case(node, (logits,), (logits.argmax(axis=-1)[..., None],))


def select(name: str, datatype: str, *, size: tuple[int, int], rows: Sequence[int],
           columns: Sequence[int], channels: int, pe: int) -> Case:  # fmt: skip
    """Rows and columns of an image."""
    images = random_integers(np.random.default_rng(len(name)), datatype, (1, *size, channels))
    node = make_node(
        "PixelSelect", name, ["x"], ["y"], ImgDim=list(size), NumChannels=channels, PE=pe,
        inputDataType=datatype, KeptRows=list(rows), KeptColumns=list(columns),
    )  # fmt: skip
    return Case(node, (images,), (images[:, :, rows][:, :, :, columns],))


def repeat(name: str, datatype: str, *, size: tuple[int, int], times: int, channels: int,
           pe: int) -> Case:  # fmt: skip
    """Every row several times."""
    images = random_integers(np.random.default_rng(len(name)), datatype, (1, *size, channels))
    node = make_node(
        "PixelRepeat", name, ["x"], ["y"], ImgDim=list(size), NumChannels=channels, PE=pe,
        inputDataType=datatype, Times=times,
    )  # fmt: skip
    return Case(node, (images,), (images.repeat(times, axis=2),))


def scale(name: str, types: tuple[str, str, str], *, size: tuple[int, int], channels: int, pe: int,
          frames: int = FRAMES) -> Case:  # fmt: skip
    """A factor for every pixel; types of value, factor and product."""
    rng, (datatype, factor, out) = np.random.default_rng(len(name)), types
    images = random_integers(rng, datatype, (1, *size, channels), frames)
    factors = random_integers(rng, factor, size)[2]
    node = make_node(
        "PixelScale", name, ["x", "f"], ["y"], ImgDim=list(size), NumChannels=channels, PE=pe,
        inputDataType=datatype, factorDataType=factor, outputDataType=out,
    )  # fmt: skip
    return Case(node, (images,), (images * factors[..., None],), {"f": factors})


CASES = (
    pool("max_u4", "MaxPool", "UINT4", channels=6, pe=2, kernel=(2, 2)),
    pool("max_i3", "MaxPool", "INT3", channels=5, pe=5, kernel=(3, 3)),
    pool("max_u1", "MaxPool", "BINARY", channels=8, pe=8, kernel=(2, 2)),
    pool("max_bipolar", "MaxPool", "BIPOLAR", channels=8, pe=4, kernel=(1, 2)),
    pool("max_i17", "MaxPool", "INT17", channels=2, pe=1, kernel=(2, 1)),
    pool("max_one", "MaxPool", "UINT8", channels=4, pe=2, kernel=(1, 1)),
    pool("sum_u4", "AccPool", "UINT4", channels=4, pe=2, kernel=(2, 2), sum_type="UINT6"),
    pool("sum_i4", "AccPool", "INT4", channels=6, pe=3, kernel=(3, 3), sum_type="INT8"),
    pool("sum_wide", "AccPool", "UINT2", channels=3, pe=1, kernel=(4, 4), sum_type="INT32"),
    global_sum("gap_u4", "UINT4", size=(4, 4), channels=6, pe=2),
    global_sum("gap_i8", "INT8", size=(3, 5), channels=8, pe=4),
    global_sum("gap_one_fold", "UINT8", size=(2, 3), channels=3, pe=3),
    global_sum("gap_many_folds", "INT2", size=(2, 2), channels=40, pe=1),
    global_sum("gap_bounded", "INT8", size=(2, 2), channels=4, pe=2, sum_type="INT8"),
    fork("fork_2", "UINT4", vectors=[1, 3, 4], channels=6, pe=3, outputs=2),
    fork("fork_3", "INT5", vectors=[7], channels=4, pe=1, outputs=3),
    fork("fork_bipolar", "BIPOLAR", vectors=[1, 2, 3], channels=9, pe=9, outputs=2),
    addition("add_i4", "INT4", "INT4", "INT5", shape=[1, 3, 3, 8], pe=4),
    addition("add_mixed", "UINT8", "INT3", "INT10", shape=[1, 2, 3, 6], pe=1),
    addition("add_u", "UINT2", "UINT5", "UINT6", shape=[1, 12], pe=12),
    addition("add_u1", "BINARY", "BINARY", "UINT2", shape=[1, 40], pe=2),
    bias("bias_channel", "INT9", "INT6", "INT10", shape=[1, 3, 3, 8], constant=[8], pe=2),
    bias("bias_shaped", "UINT4", "INT12", "INT13", shape=[1, 20, 3], constant=[1, 1, 3], pe=3),
    bias("bias_down", "UINT8", "INT9", "INT5", shape=[1, 30, 4], constant=[4], pe=2, shift=200),
    bias("bias_scalar", "INT4", "UINT3", "INT6", shape=[1, 5, 4], constant=[1], pe=2),
    concat("concat_2", ["UINT4", "UINT4"], [4, 8], vectors=[1, 3, 3], simd=2),
    concat("concat_mixed", ["UINT4", "INT3", "UINT1"], [3, 6, 3], vectors=[1, 2, 2], simd=3),
    concat("concat_short", ["INT2", "INT9"], [1, 1], vectors=[40], simd=1),
    select(
        "select_crop", "UINT4", size=(5, 6), rows=[1, 2, 3], columns=[2, 3, 4, 5], channels=4, pe=2
    ),
    select(
        "select_stride", "INT3", size=(7, 4), rows=[0, 2, 4, 6], columns=[1, 3], channels=3, pe=3
    ),
    select(
        "select_line", "BIPOLAR", size=(1, 40), rows=[0], columns=[0, 7, 8, 39], channels=8, pe=1
    ),
    select("select_one", "UINT8", size=(2, 2), rows=[0], columns=[0], channels=1, pe=1),
    repeat("repeat_columns", "UINT4", size=(12, 1), times=3, channels=4, pe=4),
    repeat("repeat_pixels", "INT5", size=(6, 1), times=2, channels=4, pe=1),
    repeat("repeat_rows", "UINT2", size=(3, 5), times=2, channels=6, pe=2),
    repeat("repeat_bipolar", "BIPOLAR", size=(2, 2), times=5, channels=1, pe=1),
    scale("scale_u6", ("UINT6", "UINT4", "UINT10"), size=(4, 5), channels=4, pe=2),
    scale("scale_i9", ("INT9", "UINT3", "INT12"), size=(1, 7), channels=3, pe=3),
    scale("scale_i3", ("INT3", "UINT1", "INT4"), size=(3, 3), channels=6, pe=1),
    scale("scale_block", ("UINT3", "UINT5", "UINT8"), size=(19, 27), channels=1, pe=1, frames=12),
    label("label_i16", "INT16", labels=10, pe=1),
    label("label_tree", "INT5", labels=15, pe=5),
    label("label_all", "INT3", labels=10, pe=10),
    label("label_u8", "UINT8", labels=20, pe=4),
    label("label_bipolar", "BIPOLAR", labels=7, pe=1),
)


def model_of(case: Case) -> ModelWrapper:
    """Return the graph of the node alone, with its datatypes."""
    names = [n for n in case.node.input if n not in case.constants]
    inputs = _values(names, case.inputs)
    outputs = _values(case.node.output, case.outputs)
    graph = helper.make_graph([case.node], case.name, inputs, outputs)
    model = ModelWrapper(qonnx_make_model(graph))
    for name, values in case.constants.items():
        model.set_initializer(name, values.astype(np.float32))
    layer = getCustomOp(model.graph.node[0])
    for i, name in enumerate(case.node.input):
        model.set_tensor_datatype(name, layer.get_input_datatype(i))
    for i, name in enumerate(case.node.output):
        model.set_tensor_datatype(name, layer.get_output_datatype(i))
    return model


def _values(names: Sequence[str], tensors: Sequence[Tensor]) -> list[Any]:
    pairs = zip(names, tensors, strict=True)
    return [helper.make_tensor_value_info(n, TensorProto.FLOAT, t.shape[1:]) for n, t in pairs]


def generate(case: Case, folder: Path) -> Dut:
    """Generate the node's RTL and return it with its streams."""
    model = model_of(case)
    layer = getCustomOp(model.graph.node[0])
    folder.mkdir()
    layer.set_nodeattr("code_gen_dir_ipgen", str(folder))
    layer.generate_hdl(model, "xc7z020clg400-1", 10.0)
    shapes = [layer.get_folded_input_shape(i) for i in range(len(case.inputs))]
    inputs = [_stream(t, shapes[i], layer.get_input_datatype(i)) for i, t in enumerate(case.inputs)]
    shapes = [layer.get_folded_output_shape(i) for i in range(len(case.outputs))]
    out = [_stream(t, shapes[i], layer.get_output_datatype(i)) for i, t in enumerate(case.outputs)]
    sources = tuple(Path(path) for path in layer.get_rtl_file_list(abspath=True))
    return Dut(case.name, (case.name,), sources, tuple(inputs), tuple(out))


def _stream(tensor: Tensor, folded: Sequence[int], datatype: BaseDataType) -> Stream:
    if datatype.name == "BIPOLAR":
        return Stream((tensor.reshape(len(tensor), -1, int(folded[-1])) + 1) // 2, 1, False)
    values = tensor.reshape(len(tensor), -1, int(folded[-1]))
    return Stream(values, int(datatype.bitwidth()), bool(datatype.signed()))
