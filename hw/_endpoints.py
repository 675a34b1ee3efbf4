# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""How images enter a dataflow graph, and how logits or the label leave it."""

import math

from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp

from hw.accelerator import ImageInput, LogitOutput
from hw.errors import HardwareError
from hw.packing import integer_width

__all__ = ["image_input", "logit_output"]

_LABEL = "LabelSelect_rtl"
_PASSIVE = ("StreamingFIFO_rtl", "StreamingDataWidthConverter_rtl")


def image_input(model: ModelWrapper) -> ImageInput:
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
    )


def logit_output(model: ModelWrapper, logit_scale: float) -> LogitOutput:
    """Return the stream of results: a label if an argmax is the last layer.

    Raises:
        HardwareError: results that are no integers of at most 32 bits.
    """
    tensor = model.graph.output[0].name
    producer = model.find_producer(tensor)
    index = list(producer.output).index(tensor)
    node = getCustomOp(producer)
    datatype = str(model.get_tensor_datatype(tensor).name).replace("BINARY", "UINT1")
    integer_width(datatype)
    return LogitOutput(
        kind="label" if _last_layer(model, producer).op_type == _LABEL else "logits",
        shape=(math.prod(map(int, model.get_tensor_shape(tensor))),),
        datatype=datatype,
        logit_scale=float(logit_scale),
        stream_width_bits=int(node.get_outstream_width_padded(index)),
        elements_per_beat=int(node.get_folded_output_shape(index)[-1]),
    )


def _last_layer(model: ModelWrapper, node: NodeProto) -> NodeProto:
    while node.op_type in _PASSIVE and (before := model.find_producer(node.input[0])) is not None:
        node = before
    return node
