# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""FINN's hardware layers, each as a function that writes the node and returns its output."""

from math import prod

import numpy as np
from qonnx.core.datatype import DataType

from flow.dataflow._graph import DataflowWriter, Tensor, signed_datatype, smallest_datatype
from flow.integer import Interval
from flow.integer.operations import Integers, Padding, Shape

__all__ = [
    "accumulate",
    "add",
    "add_constant",
    "argmax",
    "concat",
    "depthwise",
    "duplicate",
    "matrix",
    "pad",
    "pool",
    "threshold",
    "windows",
]


def pad(writer: DataflowWriter, read: Tensor, padding: Padding) -> Tensor:
    """Surround an image with zeros (top, left, bottom, right)."""
    top, left, bottom, right = padding
    height, width, channels = read.shape
    return writer.layer(
        "FMPadding",
        [read.name],
        (height + top + bottom, width + left + right, channels),
        read.datatype,
        ImgDim=[height, width],
        Padding=list(padding),
        NumChannels=channels,
        SIMD=1,
        inputDataType=read.datatype,
    )


def windows(
    writer: DataflowWriter,
    read: Tensor,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    *,
    channelwise: bool,
) -> Tensor:
    """Stream the windows of an image; channelwise, all places of a channel follow each other."""
    height, width = ((read.shape[i] - kernel[i]) // stride[i] + 1 for i in (0, 1))
    elements = kernel[0] * kernel[1] * read.channels
    return writer.layer(
        "ConvolutionInputGenerator",
        [read.name],
        (height, width, elements),
        read.datatype,
        ConvKernelDim=list(kernel),
        IFMChannels=read.channels,
        IFMDim=list(read.shape[:2]),
        OFMDim=[height, width],
        SIMD=1,
        Stride=list(stride),
        Dilation=[1, 1],
        inputDataType=read.datatype,
        outputDataType=read.datatype,
        depthwise=int(channelwise),
        is1D=0,
    )


def matrix(
    writer: DataflowWriter, read: Tensor, weights: Integers, sums: Interval, pixels: Shape
) -> Tensor:
    """Multiply each of the pixels' vectors by weights int64[I, O]; sums bounds the products."""
    rows, columns = weights.shape
    shape = {"MW": rows, "MH": columns, "numInputVectors": [1, *pixels], "binaryXnorMode": 0}
    return _products(writer, "MVAU", read, weights, sums, out=(*pixels, columns), **shape)


def depthwise(
    writer: DataflowWriter, read: Tensor, kernel: Integers, sums: Interval, pixels: Shape
) -> Tensor:
    """Multiply each channel's window by its own kernel int64[C, 1, KH, KW]."""
    channels, _, *size = kernel.shape
    shape = {"Channels": channels, "Kernel": size, "Dim": list(pixels) or [1, 1]}
    return _products(writer, "VVAU", read, kernel, sums, out=(*pixels, channels), **shape)


def _products(
    writer: DataflowWriter,
    op_type: str,
    read: Tensor,
    weights: Integers,
    sums: Interval,
    *,
    out: Shape,
    **attributes: object,
) -> Tensor:
    kind, datatype = _weight_datatype(weights), signed_datatype(sums)
    return writer.layer(
        op_type,
        [read.name, writer.constant(weights, kind)],
        out,
        datatype,
        SIMD=1,
        PE=1,
        inputDataType=read.datatype,
        weightDataType=kind,
        outputDataType=datatype,
        accDataType=datatype,
        ActVal=0,
        noActivation=1,
        mem_mode="internal_decoupled",
        inFIFODepths=[2],
        **attributes,
    )


def threshold(
    writer: DataflowWriter, read: Tensor, thresholds: Integers, offset: int, *, bipolar: bool
) -> Tensor:
    """Count the thresholds int64[C or 1, T] reached, from offset on; or -1 and 1 if bipolar."""
    # beyond what the stream holds, FINN's RTL would compare another number's bits
    thresholds = np.clip(thresholds, read.values.lo, read.values.hi + 1)
    # FINN's RTL searches one threshold at least, and gives -1 and 0 a single bit, for which qonnx
    # has no type: levels never reached
    least = 2 if offset == -1 and not bipolar else 1
    never = ((0, 0), (0, max(0, least - thresholds.shape[1])))
    thresholds = np.pad(thresholds, never, constant_values=read.values.hi + 1)
    levels = Interval(offset, offset + thresholds.shape[1])
    # FINN's RTL cuts inputs to the thresholds' type, in which a value below all must be left
    ends = Interval(max(int(thresholds.min()) - 1, read.values.lo), int(thresholds.max()))
    signed = read.values.lo < 0 or ends.lo < 0
    kind = signed_datatype(ends) if signed else smallest_datatype(ends)
    datatype = "BIPOLAR" if bipolar else smallest_datatype(levels)
    return writer.layer(
        "Thresholding",
        [read.name, writer.constant(thresholds, kind)],
        read.shape,
        datatype,
        NumChannels=read.channels,
        PE=1,
        numSteps=thresholds.shape[1],
        inputDataType=read.datatype,
        weightDataType=kind,
        outputDataType=datatype,
        ActVal=0 if bipolar else offset,
        shared=int(len(thresholds) == 1),
        numInputVectors=read.vectors,
    )


def pool(
    writer: DataflowWriter, gathered: Tensor, kernel: tuple[int, int], function: str, datatype: str
) -> Tensor:
    """Reduce channelwise windows; function is MaxPool or AccPool (a sum)."""
    height, width, elements = gathered.shape
    channels = elements // (kernel[0] * kernel[1])
    return writer.layer(
        "Pool",
        [gathered.name],
        (height, width, channels),
        datatype,
        Channels=channels,
        PE=1,
        KernelSize=list(kernel),
        Function=function,
        OutImgDims=[height, width],
        InputDataType=gathered.datatype,
        OutputDataType=datatype,
        AccumBits=DataType[datatype].bitwidth(),
        Size=1,
        BatchSize=1,
    )


def accumulate(writer: DataflowWriter, read: Tensor, datatype: str) -> Tensor:
    """Sum each channel over the whole image."""
    return writer.layer(
        "GlobalAccPool",
        [read.name],
        (1, 1, read.channels),
        datatype,
        NumChannels=read.channels,
        PE=1,
        inputDataType=read.datatype,
        outputDataType=datatype,
        numInputVectors=read.vectors,
    )


def duplicate(writer: DataflowWriter, read: Tensor, copies: int) -> list[Tensor]:
    """Give each of several readers a stream of its own."""
    outputs = [writer.tensor(read.shape, read.datatype) for _ in range(copies)]
    writer.node(
        "DuplicateStreams",
        [read.name],
        outputs,
        NumChannels=read.channels,
        PE=1,
        NumOutputStreams=copies,
        inputDataType=read.datatype,
        numInputVectors=read.vectors,
        outFIFODepths=[2] * copies,
    )
    return outputs


def add(writer: DataflowWriter, left: Tensor, right: Tensor) -> Tensor:
    """Add two streams of one shape."""
    sums = Interval(left.values.lo + right.values.lo, left.values.hi + right.values.hi)
    other = {"rhs_shape": [1, *right.shape], "rhs_dtype": right.datatype, "rhs_style": "input"}
    return _sums(writer, left, right.name, sums, **other)


def add_constant(
    writer: DataflowWriter, read: Tensor, values: Integers, bounds: Interval | None = None
) -> Tensor:
    """Add int64[C] to the channels; bounds of the sums, if they are closer than the types say."""
    ends = Interval(int(values.min()), int(values.max()))
    sums = bounds or Interval(read.values.lo + ends.lo, read.values.hi + ends.hi)
    kind = signed_datatype(ends)
    other = {"rhs_shape": [read.channels], "rhs_dtype": kind, "rhs_style": "const"}
    return _sums(writer, read, writer.constant(values, kind), sums, **other)


def _sums(
    writer: DataflowWriter, read: Tensor, other: str, sums: Interval, **attributes: object
) -> Tensor:
    datatype = smallest_datatype(sums)
    return writer.layer(
        "ElementwiseAdd",
        [read.name, other],
        read.shape,
        datatype,
        lhs_shape=[1, *read.shape],
        out_shape=[1, *read.shape],
        lhs_dtype=read.datatype,
        out_dtype=datatype,
        lhs_style="input",
        PE=1,
        inFIFODepths=[2, 2],
        **attributes,
    )


def concat(writer: DataflowWriter, read: list[Tensor], axis: int = -1) -> Tensor:
    """Join the channels of streams, or (axis 0 or 1) their rows or columns as if channels."""
    hull = Interval(min(t.values.lo for t in read), max(t.values.hi for t in read))
    same = {tensor.datatype for tensor in read}
    datatype = same.pop() if len(same) == 1 else smallest_datatype(hull)
    shape = list(read[0].shape)
    shape[axis] = sum(tensor.shape[axis] for tensor in read)
    together = shape[:axis] if axis >= 0 else shape[:-1]
    return writer.layer(
        "StreamingConcat",
        [tensor.name for tensor in read],
        tuple(shape),
        datatype,
        SIMD=1,
        ChannelsPerStream=[tensor.size // prod(together) for tensor in read],
        inputDataTypes=[tensor.datatype for tensor in read],
        numInputVectors=[1, *together],
        OutShape=[1, *shape],
        inFIFODepths=[2] * len(read),
    )


def argmax(writer: DataflowWriter, logits: Tensor) -> Tensor:
    """Return the index of the largest logit, the lowest on ties."""
    datatype = smallest_datatype(Interval(0, logits.channels - 1))
    return writer.layer(
        "LabelSelect",
        [logits.name],
        (1,),
        datatype,
        Labels=logits.channels,
        PE=1,
        K=1,
        inputDataType=logits.datatype,
        outputDataType=datatype,
        numInputVectors=[1],
    )


def _weight_datatype(weights: Integers) -> str:
    """Return BIPOLAR for -1 and 1 alone, else the narrowest signed type."""
    if set(np.unique(weights).tolist()) <= {-1, 1}:
        return "BIPOLAR"
    return signed_datatype(Interval(int(weights.min()), int(weights.max())))
