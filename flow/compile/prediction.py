# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What an accelerator will take of its part, and its speed, without generating any code."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from finn.custom_op.fpgadataflow.hwcustomop import HWCustomOp
from qonnx.custom_op.registry import getCustomOp

from flow.compile._fifo_depths import expected_depths, fifo_cost
from flow.compile._synthesised import synthesised_lut
from flow.config import CompileConfig
from flow.dataflow import fold_to_fit, to_dataflow, with_streams
from flow.integer import IntegerNetwork
from hw.accelerator import Estimate
from hw.layers.estimates import resource_estimate
from hw.parts import find_part

__all__ = ["Prediction", "predict"]


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """Of an accelerator that was folded as compile_network folds it.

    Attributes:
        lut: six-input LUTs, of layers, width converters and FIFOs.
        bram36: 36 kbit block RAMs.
        dsp: slices.
        cycles: of a frame in steady state.
        layers: what each node is expected to take.
    """

    lut: float
    bram36: float
    dsp: int
    cycles: int
    layers: dict[str, Estimate]


def predict(network: IntegerNetwork, config: CompileConfig) -> Prediction:
    """Fold the network for the part and add up what its layers take.

    Raises:
        FlowError: a layer that cannot become hardware, or a rate that no folding reaches.
        HardwareError: an unknown part.
    """
    part = find_part(config.part).name
    folded = fold_to_fit(to_dataflow(network, part, lut_per_dsp=config.lut_per_dsp), config)
    nodes = [getCustomOp(node) for node in with_streams(folded.model, part).graph.node]
    depths = expected_depths(nodes)
    layers = {str(one.onnx_node.name): _expected(one, depths, part) for one in nodes}
    return Prediction(
        lut=sum(one.lut for one in layers.values()),
        bram36=sum(one.bram18 for one in layers.values()) / 2,
        dsp=round(sum(one.dsp for one in layers.values())),
        cycles=max(folded.cycles.values()),
        layers=layers,
    )


def _expected(layer: HWCustomOp, depths: Mapping[str, int], part: str) -> Estimate:
    if layer.onnx_node.op_type == "StreamingFIFO_rtl":
        depth = depths.get(layer.onnx_node.name, int(layer.get_nodeattr("depth")))
        return fifo_cost(depth, int(layer.get_instream_width_padded()), part)
    estimate = resource_estimate(layer, part)
    return replace(estimate, lut=synthesised_lut(layer, estimate.lut, part))
