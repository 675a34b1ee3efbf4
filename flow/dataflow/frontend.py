# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""From an integer network to FINN's specialised hardware layers, all RTL."""

import warnings

from finn.transformation.fpgadataflow.specialize_layers import SpecializeLayers
from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp
from qonnx.transformation.general import GiveReadableTensorNames, GiveUniqueNodeNames

from flow.dataflow.emit import emit
from flow.errors import FlowError
from flow.integer import IntegerNetwork
from hw.layers import register

__all__ = ["to_dataflow"]


def to_dataflow(
    network: IntegerNetwork, part: str, *, label: bool = False, lut_per_dsp: float | None = None
) -> ModelWrapper:
    """Return FINN's dataflow graph of an integer network, every layer with an RTL implementation.

    Args:
        network: what the graph computes; its scale and offset stay outside.
        part: the FPGA part that layers are specialised for.
        label: end with an argmax, so that the output is the label instead of the logits.
        lut_per_dsp: LUTs that a DSP slice is worth where a matrix layer can be built of either; by
            default a quarter of the part's own ratio.

    Raises:
        FlowError: listing every layer that cannot be compiled, each with its reason.
    """
    register()
    model = emit(network, label=label)
    for node in model.graph.node:
        if node.op_type in ("MVAU", "VVAU"):
            getCustomOp(node).set_nodeattr("lut_per_dsp", lut_per_dsp or 0.0)
    for step in (SpecializeLayers(part), GiveUniqueNodeNames(), GiveReadableTensorNames()):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of layers that become HLS: refused below
            model = model.transform(step)
    refused = [node for node in model.graph.node if not node.op_type.endswith("_rtl")]
    if refused:
        listed = "; ".join(f"{node.name} ({_reason(node, part)})" for node in refused)
        raise FlowError(f"{len(refused)} layer(s) cannot be compiled: {listed}")
    return model


def _reason(node: NodeProto, part: str) -> str:
    instance = getCustomOp(node)
    inputs, outputs = instance.get_input_datatype(0), instance.get_output_datatype(0)
    return f"no RTL {node.op_type} from {inputs} to {outputs} on {part}; use fewer bits"
