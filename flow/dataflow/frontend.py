# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""FINN's passes from QONNX to specialised hardware layers, in our own short sequence."""

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from finn.transformation.fpgadataflow.convert_to_hw.conv_inp_gen import InferConvInpGen
from finn.transformation.fpgadataflow.convert_to_hw.quantized_matrix_vector_activation import (
    InferQuantizedMatrixVectorActivation,
)
from finn.transformation.fpgadataflow.convert_to_hw.thresholding import InferThresholdingLayer
from finn.transformation.fpgadataflow.create_dataflow_partition import CreateDataflowPartition
from finn.transformation.fpgadataflow.minimize_accumulator_width import MinimizeAccumulatorWidth
from finn.transformation.fpgadataflow.minimize_weight_bit_width import MinimizeWeightBitWidth
from finn.transformation.fpgadataflow.specialize_layers import SpecializeLayers
from finn.transformation.move_reshape import RemoveCNVtoFCFlatten
from finn.transformation.qonnx.convert_qonnx_to_finn import ConvertQONNXtoFINN
from finn.transformation.streamline import Streamline, absorb
from finn.transformation.streamline.round_thresholds import RoundAndClipThresholds
from onnx import helper
from qonnx.core import data_layout
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp
from qonnx.transformation.base import Transformation
from qonnx.transformation.fold_constants import FoldConstants
from qonnx.transformation.gemm_to_matmul import GemmToMatMul
from qonnx.transformation.general import (
    GiveReadableTensorNames,
    GiveUniqueNodeNames,
    RemoveStaticGraphInputs,
    RemoveUnusedTensors,
)
from qonnx.transformation.infer_data_layouts import InferDataLayouts
from qonnx.transformation.infer_datatypes import InferDataTypes
from qonnx.transformation.infer_shapes import InferShapes
from qonnx.transformation.lower_convs_to_matmul import LowerConvsToMatMul
from qonnx.util.cleanup import cleanup_model

from flow.dataflow.support import Unsupported, unsupported_layers
from flow.errors import FlowError

__all__ = ["Dataflow", "to_dataflow"]


@dataclass(frozen=True)
class Dataflow:
    """FINN's hardware layers, all RTL, and the scale that stays outside the accelerator.

    Attributes:
        model: a chain of FMPadding, ConvolutionInputGenerator, MVAU and Thresholding.
        scale: float logits per integer logit.
    """

    model: ModelWrapper
    scale: float


def to_dataflow(qonnx: ModelWrapper, part: str, work_dir: Path) -> Dataflow:
    """Turn a QONNX classifier with a UINT8 NHWC input into FINN's dataflow graph.

    Args:
        qonnx: the model; is not changed.
        part: the FPGA part that layers are specialised for.
        work_dir: an existing folder where FINN may leave files.

    Raises:
        FlowError: listing every layer that cannot be compiled, each with its reason.
    """
    model = cleanup_model(qonnx)
    _refuse(unsupported_layers(model))
    model = _apply(model, _tidy(), "tidying up")
    model = _apply(model, _streamline(), "streamlining")
    model = _apply(model, _to_hardware_layers(), "conversion to hardware layers")
    model = _apply(model, _minimize_bit_widths(), "bit width minimisation")
    model, scale = _partition(model, work_dir)
    return Dataflow(_specialize(model, part), scale)


def _refuse(layers: list[Unsupported]) -> None:
    if layers:
        listed = "; ".join(str(layer) for layer in layers)
        raise FlowError(f"{len(layers)} layer(s) cannot be compiled: {listed}")


def _apply(model: ModelWrapper, passes: list[Transformation], stage: str) -> ModelWrapper:
    for step in passes:
        try:
            model = _transform(model, step)
        except Exception as error:
            reason = " ".join(str(error).split())
            name = type(step).__name__
            raise FlowError(f"{stage}: FINN's pass {name} refused the graph: {reason}") from error
    return model


def _transform(model: ModelWrapper, step: Transformation) -> ModelWrapper:
    with warnings.catch_warnings():
        # of opset numbers (Gemm is the same from 9 to 18) and the like; results are verified
        warnings.simplefilter("ignore")
        return model.transform(step)


def _tidy() -> list[Transformation]:
    return [
        _DeclareImageInput(),
        _SpellOutConvolutions(),
        ConvertQONNXtoFINN(),
        GemmToMatMul(),
        InferShapes(),
        FoldConstants(),
        GiveUniqueNodeNames(),
        GiveReadableTensorNames(),
        InferDataTypes(),
        RemoveStaticGraphInputs(),
    ]


class _DeclareImageInput(Transformation):
    """Annotate the input as UINT8 NHWC: FINN needs the layout to absorb the first transpose."""

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        name = model.graph.input[0].name
        model.set_tensor_datatype(name, DataType["UINT8"])
        model.set_tensor_layout(name, data_layout.NHWC)
        return model, False


class _SpellOutConvolutions(Transformation):
    """Write down the attributes that ONNX lets a Conv leave out; LowerConvsToMatMul reads them."""

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        for node in model.get_nodes_by_op_type("Conv"):
            kernel = model.get_tensor_shape(node.input[1])[2:]
            present = {attribute.name for attribute in node.attribute}
            defaults = {
                "dilations": [1, 1],
                "group": 1,
                "kernel_shape": kernel,
                "pads": [0, 0, 0, 0],
                "strides": [1, 1],
            }
            for name in defaults.keys() - present:
                node.attribute.append(helper.make_attribute(name, defaults[name]))
        return model, False


def _streamline() -> list[Transformation]:
    return [
        absorb.AbsorbScalarBiasIntoMultiThreshold(),
        Streamline(),
        LowerConvsToMatMul(),
        absorb.AbsorbTransposeIntoMultiThreshold(),
        absorb.AbsorbConsecutiveTransposes(),
        Streamline(),
        InferDataLayouts(),
        RemoveUnusedTensors(),
    ]


def _to_hardware_layers() -> list[Transformation]:
    return [
        InferThresholdingLayer(),
        InferQuantizedMatrixVectorActivation(),
        InferConvInpGen(),
        RemoveCNVtoFCFlatten(),
        absorb.AbsorbConsecutiveTransposes(),
        GiveUniqueNodeNames(),
        InferDataLayouts(),
        InferDataTypes(),
        InferShapes(),
    ]


def _minimize_bit_widths() -> list[Transformation]:
    return [
        MinimizeWeightBitWidth(),
        MinimizeAccumulatorWidth(),
        InferDataTypes(),
        RoundAndClipThresholds(),
        InferDataTypes(),
        MinimizeWeightBitWidth(),
        InferDataTypes(),
    ]


def _partition(model: ModelWrapper, work_dir: Path) -> tuple[ModelWrapper, float]:
    """Cut off the final scale; whatever else is left outside is a layer without hardware."""
    outside = [node for node in model.graph.node if "fpgadataflow" not in node.domain]
    scales = [node for node in outside if node is model.graph.node[-1] and node.op_type == "Mul"]
    _refuse([Unsupported(n.name, n.op_type, _LEFT_OVER) for n in outside if n not in scales])
    scale = _positive_scalar(model, scales[0].input[1]) if scales else 1.0
    cut = CreateDataflowPartition(partition_model_dir=str(work_dir))
    parent = _apply(model, [cut], "partitioning")
    partition = getCustomOp(parent.get_nodes_by_op_type("StreamingDataflowPartition")[0])
    return ModelWrapper(partition.get_nodeattr("model")), scale


_LEFT_OVER = (
    "it could not be moved into integer thresholds; quantize the activations on both sides of it"
)


def _positive_scalar(model: ModelWrapper, name: str) -> float:
    values = np.asarray(model.get_initializer(name), dtype=np.float64).reshape(-1)
    if values.size != 1 or not values[0] > 0:
        raise FlowError(
            f"the logits have {values.size} scales, the first is {values[0]:g}; "
            "quantize the last layer's weights with one positive scale (per tensor)"
        )
    return float(values[0])


def _specialize(model: ModelWrapper, part: str) -> ModelWrapper:
    for node in model.graph.node:
        getCustomOp(node).set_nodeattr("preferred_impl_style", "rtl")
    passes = [
        SpecializeLayers(part),
        GiveUniqueNodeNames(),
        GiveReadableTensorNames(),  # FINN names padding's at random
        InferShapes(),
        InferDataTypes(),
    ]
    model = _apply(model, passes, f"specialisation for {part}")
    without_rtl = [node for node in model.graph.node if not node.op_type.endswith("_rtl")]
    _refuse([Unsupported(n.name, n.op_type, _no_rtl(model, n, part)) for n in without_rtl])
    return model


def _no_rtl(model: ModelWrapper, node: object, part: str) -> str:
    instance = getCustomOp(node)
    inputs, outputs = instance.get_input_datatype(0), instance.get_output_datatype(0)
    weights = model.get_initializer(instance.onnx_node.input[1])
    span = "" if weights is None else f", weights {weights.min():g}..{weights.max():g}"
    return f"FINN has no RTL for inputs {inputs}{span}, outputs {outputs} on {part}"
