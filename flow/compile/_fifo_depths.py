# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""How deep the FIFOs before matrix layers and sliding windows will be, without a simulation.

A matrix layer that repeats its vectors takes the next one while it repeats the one before for the
last time, and while it goes through the next one for the first. What arrives in between has to
wait, unless the layers before have time to spare. A sliding window fills its buffer between two
frames at the pace of one beat a cycle: what does not arrive as fast has to be there.
"""

from collections.abc import Sequence

import numpy as np
from finn.custom_op.fpgadataflow.hwcustomop import HWCustomOp

from hw.accelerator import Estimate
from hw.layers.estimates import cycles_per_frame
from hw.layers.weight_memory import block_rams
from hw.layers.written_memory import lut_memory

__all__ = ["expected_depths", "fifo_cost"]

_SHALLOW = 2
_SHIFT = 33  # up to which a bit is one shift register


def expected_depths(layers: Sequence[HWCustomOp]) -> dict[str, int]:
    """Return the depths of FIFOs directly before matrix layers and sliding windows, by name.

    Args:
        layers: of a chain or a graph, with its FIFOs, each behind what it depends on.
    """
    cycles = [_cycles(layer) for layer in layers]
    found = {}
    for place, layer in enumerate(layers):
        rule = _RULES.get(str(layer.onnx_node.op_type))
        if place and rule:
            waiting = rule(layer, max(cycles[:place]), cycles[place], max(cycles))
            found[str(layers[place - 1].onnx_node.name)] = max(_SHALLOW, round(waiting))
    return found


def _waiting(layer: HWCustomOp, before: int, own: int, frame: int) -> float:
    """Return the beats that arrive while the layer takes none.

    Args:
        layer: a matrix layer.
        before: cycles in which the slowest layer before it makes the beats of a frame.
        own: cycles of a frame of its own.
        frame: of the slowest of all.
    """
    shape, vectors = layer.shape(), int(np.prod(layer.get_nodeattr("numInputVectors")))
    if shape.repeats == 1:
        return 0.0
    closed = own / vectors - 2 * shape.folds
    spare = (frame - before) / vectors
    room = 2 ** max(1, (shape.folds - 1).bit_length()) - shape.folds  # of mvu_replay's memory
    return float(max(0.0, closed - spare) * shape.folds * vectors / before - room)


def _filling(layer: HWCustomOp, before: int, own: int, frame: int) -> float:
    """Return the beats that a sliding window takes at once between frames, when it gives none.

    Those that arrive meanwhile, and in the time it has to spare, do not wait. See _waiting.
    """
    if layer.select_impl_style() != "default":
        return 0.0
    lanes = layer.get_nodeattr("IFMChannels") / layer.get_nodeattr("SIMD")
    window = np.prod(layer.get_nodeattr("OFMDim")) * np.prod(layer.get_nodeattr("ConvKernelDim"))
    filling = own - window * lanes
    arriving = (filling + frame - own) * np.prod(layer.get_nodeattr("IFMDim")) * lanes / before
    return float(max(0.0, filling - arriving))


_RULES = {"MVAU_rtl": _waiting, "ConvolutionInputGenerator_rtl": _filling}


def _cycles(layer: HWCustomOp) -> int:
    return 1 if "FIFO" in str(layer.onnx_node.op_type) else max(1, cycles_per_frame(layer))


def fifo_cost(depth: int, width_bits: int, part: str) -> Estimate:
    """Return what hw/rtl/synth/fifo.sv takes after synthesis, by its choice of a style."""
    if depth <= _SHIFT or (depth <= 64 and width_bits < 12):
        chains = 1 if depth <= _SHIFT else 2
        return Estimate(lut=chains * width_bits + 6.0, dsp=0.0, bram18=0.0)
    if depth <= 257 or width_bits < 5:
        # control, and the choice between memories of 64 words
        choice = 20.0 if depth <= 65 else 38.0 + (width_bits if depth > 129 else 0)
        lut = lut_memory(depth - 1, width_bits, part) + choice
        return Estimate(lut=lut, dsp=0.0, bram18=0.0)
    return Estimate(lut=34.0, dsp=0.0, bram18=2 * block_rams(depth - 1, width_bits, part))
