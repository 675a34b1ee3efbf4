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
    output = writer.tensor((height + top + bottom, width + left + right, channels), read.datatype)
    writer.node(
        "FMPadding",
        [read.name],
        [output],
        ImgDim=[height, width],
        Padding=list(padding),
        NumChannels=channels,
        SIMD=1,
        inputDataType=read.datatype,
    )
    return output


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
    output = writer.tensor((height, width, elements), read.datatype)
    writer.node(
        "ConvolutionInputGenerator",
        [read.name],
        [output],
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
    return output


def matrix(
    writer: DataflowWriter, read: Tensor, weights: Integers, sums: Interval, pixels: Shape
) -> Tensor:
    """Multiply each of the pixels' vectors by weights int64[I, O]; sums bounds the products."""
    kind, datatype = _weight_datatype(weights), signed_datatype(sums)
    output = writer.tensor((*pixels, weights.shape[1]), datatype)
    writer.node(
        "MVAU",
        [read.name, writer.constant(weights, kind)],
        [output],
        MW=weights.shape[0],
        MH=weights.shape[1],
        SIMD=1,
        PE=1,
        inputDataType=read.datatype,
        weightDataType=kind,
        outputDataType=datatype,
        accDataType=datatype,
        ActVal=0,
        binaryXnorMode=0,
        noActivation=1,
        mem_mode="internal_decoupled",
        numInputVectors=[1, *pixels],
        inFIFODepths=[2],
    )
    return output


def depthwise(
    writer: DataflowWriter, read: Tensor, kernel: Integers, sums: Interval, pixels: Shape
) -> Tensor:
    """Multiply each channel's window by its own kernel int64[C, 1, KH, KW]."""
    kind, datatype = _weight_datatype(kernel), signed_datatype(sums)
    output = writer.tensor((*pixels, kernel.shape[0]), datatype)
    writer.node(
        "VVAU",
        [read.name, writer.constant(kernel, kind)],
        [output],
        Channels=kernel.shape[0],
        Kernel=list(kernel.shape[2:]),
        Dim=list(pixels) or [1, 1],
        PE=1,
        SIMD=1,
        inputDataType=read.datatype,
        weightDataType=kind,
        outputDataType=datatype,
        accDataType=datatype,
        ActVal=0,
        noActivation=1,
        mem_mode="internal_decoupled",
        inFIFODepths=[2],
    )
    return output


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
    output = writer.tensor(read.shape, "BIPOLAR" if bipolar else smallest_datatype(levels))
    writer.node(
        "Thresholding",
        [read.name, writer.constant(thresholds, kind)],
        [output],
        NumChannels=read.channels,
        PE=1,
        numSteps=thresholds.shape[1],
        inputDataType=read.datatype,
        weightDataType=kind,
        outputDataType=output.datatype,
        ActVal=0 if bipolar else offset,
        shared=int(len(thresholds) == 1),
        numInputVectors=read.vectors,
    )
    return output


def pool(
    writer: DataflowWriter, gathered: Tensor, kernel: tuple[int, int], function: str, datatype: str
) -> Tensor:
    """Reduce channelwise windows; function is MaxPool or AccPool (a sum)."""
    height, width, elements = gathered.shape
    output = writer.tensor((height, width, elements // (kernel[0] * kernel[1])), datatype)
    writer.node(
        "Pool",
        [gathered.name],
        [output],
        Channels=output.channels,
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
    return output


def accumulate(writer: DataflowWriter, read: Tensor, datatype: str) -> Tensor:
    """Sum each channel over the whole image."""
    output = writer.tensor((1, 1, read.channels), datatype)
    writer.node(
        "GlobalAccPool",
        [read.name],
        [output],
        NumChannels=read.channels,
        PE=1,
        inputDataType=read.datatype,
        outputDataType=datatype,
        numInputVectors=read.vectors,
    )
    return output


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
    output = writer.tensor(left.shape, smallest_datatype(sums))
    writer.node(
        "ElementwiseAdd",
        [left.name, right.name],
        [output],
        lhs_shape=[1, *left.shape],
        rhs_shape=[1, *right.shape],
        out_shape=[1, *left.shape],
        lhs_dtype=left.datatype,
        rhs_dtype=right.datatype,
        out_dtype=output.datatype,
        lhs_style="input",
        rhs_style="input",
        PE=1,
        inFIFODepths=[2, 2],
    )
    return output


def add_constant(
    writer: DataflowWriter, read: Tensor, values: Integers, bounds: Interval | None = None
) -> Tensor:
    """Add int64[C] to the channels; bounds of the sums, if they are closer than the types say."""
    ends = Interval(int(values.min()), int(values.max()))
    sums = bounds or Interval(read.values.lo + ends.lo, read.values.hi + ends.hi)
    kind = signed_datatype(ends)
    output = writer.tensor(read.shape, smallest_datatype(sums))
    writer.node(
        "ElementwiseAdd",
        [read.name, writer.constant(values, kind)],
        [output],
        lhs_shape=[1, *read.shape],
        rhs_shape=[read.channels],
        out_shape=[1, *read.shape],
        lhs_dtype=read.datatype,
        rhs_dtype=kind,
        out_dtype=output.datatype,
        lhs_style="input",
        rhs_style="const",
        PE=1,
        inFIFODepths=[2, 2],
    )
    return output


def concat(writer: DataflowWriter, read: list[Tensor], axis: int = -1) -> Tensor:
    """Join the channels of streams, or (axis 0 or 1) their rows or columns as if channels."""
    hull = Interval(min(t.values.lo for t in read), max(t.values.hi for t in read))
    same = {tensor.datatype for tensor in read}
    datatype = same.pop() if len(same) == 1 else smallest_datatype(hull)
    shape = list(read[0].shape)
    shape[axis] = sum(tensor.shape[axis] for tensor in read)
    together = shape[:axis] if axis >= 0 else shape[:-1]
    output = writer.tensor(tuple(shape), datatype)
    writer.node(
        "StreamingConcat",
        [tensor.name for tensor in read],
        [output],
        SIMD=1,
        ChannelsPerStream=[tensor.size // prod(together) for tensor in read],
        inputDataTypes=[tensor.datatype for tensor in read],
        numInputVectors=[1, *together],
        OutShape=[1, *shape],
        inFIFODepths=[2] * len(read),
    )
    return output


def argmax(writer: DataflowWriter, logits: Tensor) -> Tensor:
    """Return the index of the largest logit, the lowest on ties."""
    output = writer.tensor((1,), smallest_datatype(Interval(0, logits.channels - 1)))
    writer.node(
        "LabelSelect",
        [logits.name],
        [output],
        Labels=logits.channels,
        PE=1,
        K=1,
        inputDataType=logits.datatype,
        outputDataType=output.datatype,
        numInputVectors=[1],
    )
    return output


def _weight_datatype(weights: Integers) -> str:
    """Return BIPOLAR for -1 and 1 alone, else the narrowest signed type."""
    if set(np.unique(weights).tolist()) <= {-1, 1}:
        return "BIPOLAR"
    return signed_datatype(Interval(int(weights.min()), int(weights.max())))
