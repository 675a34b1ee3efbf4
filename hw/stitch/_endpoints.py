# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""How images enter a dataflow graph, and how logits or the label leave it."""

import math
from collections.abc import Sequence

from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp

from hw.accelerator import ImageInput, LogitOutput
from hw.accelerator.packing import integer_width
from hw.accelerator.preprocessing import Preprocessing
from hw.errors import HardwareError

__all__ = ["image_input", "logit_output"]

_LABEL = "LabelSelect_rtl"
_PASSIVE = ("StreamingFIFO_rtl", "StreamingDataWidthConverter_rtl")


def image_input(model: ModelWrapper, preprocessing: Preprocessing | None = None) -> ImageInput:
    """Return the stream of images.

    Raises:
        HardwareError: the input is not a UINT8 NHWC image.
    """
    tensor = model.graph.input[0].name
    shape = tuple(int(size) for size in model.get_tensor_shape(tensor))
    datatype = str(model.get_tensor_datatype(tensor).name)
    if datatype != "UINT8" or len(shape) != 4 or shape[0] != 1:
        raise HardwareError(
            f"input {tensor}: {datatype}{list(shape)} is no uint8 NHWC image of batch 1; "
            "export the network with a UINT8 input"
        )
    reader = model.find_consumer(tensor)
    index = list(reader.input).index(tensor)
    node = getCustomOp(reader)
    return ImageInput(
        shape=(shape[1], shape[2], shape[3]),
        datatype=datatype,
        stream_width_bits=int(node.get_instream_width_padded(index)),
        elements_per_beat=int(node.get_folded_input_shape(index)[-1]),
        preprocessing=preprocessing,
    )


def logit_output(
    model: ModelWrapper, logit_scale: float, logit_offset: float | Sequence[float] = 0.0
) -> LogitOutput:
    """Return the stream of results: a label if an argmax is the last layer.

    Raises:
        HardwareError: results that are no integers of at most 32 bits; offsets for another number
            of logits.
    """
    tensor = model.graph.output[0].name
    producer = model.find_producer(tensor)
    index = list(producer.output).index(tensor)
    node = getCustomOp(producer)
    datatype = str(model.get_tensor_datatype(tensor).name).replace("BINARY", "UINT1")
    integer_width(datatype)
    label = _last_layer(model, producer).op_type == _LABEL
    count = math.prod(map(int, model.get_tensor_shape(tensor)))
    return LogitOutput(
        kind="label" if label else "logits",
        shape=(count,),
        datatype=datatype,
        logit_scale=float(logit_scale),
        logit_offset=() if label else _of_each_class(logit_offset, count),
        stream_width_bits=int(node.get_outstream_width_padded(index)),
        elements_per_beat=int(node.get_folded_output_shape(index)[-1]),
    )


def _of_each_class(offset: float | Sequence[float], count: int) -> tuple[float, ...]:
    values = (offset,) * count if isinstance(offset, (int, float)) else tuple(offset)
    if len(values) != count:
        raise HardwareError(
            f"logit offset: {len(values)} values for {count} logits; give one for all or one for "
            "each"
        )
    return tuple(map(float, values))


def _last_layer(model: ModelWrapper, node: NodeProto) -> NodeProto:
    while node.op_type in _PASSIVE and (before := model.find_producer(node.input[0])) is not None:
        node = before
    return node
