# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""How deep the FIFOs before matrix layers and sliding windows will be, without a simulation.

A matrix layer that repeats its vectors takes the next one while it repeats the one before for the
last time, and while it goes through the next one for the first. What arrives in between has to
wait, unless the layers before have time to spare. A sliding window fills its buffer between two
frames at the pace of one beat a cycle: what does not arrive as fast has to be there. Before a join
waits what comes by the shorter branch while the windows of the longer one fill.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from finn.custom_op.fpgadataflow.hwcustomop import HWCustomOp

from hw.accelerator import Estimate
from hw.layers.estimates import cycles_per_frame
from hw.layers.weight_memory import block_rams, stretch_luts
from hw.layers.written_memory import lut_memory

__all__ = ["expected_depths", "fifo_cost"]

_SHALLOW = 2
_SHIFT = 33  # up to which a bit is one shift register
_PASSING = ("StreamingFIFO_rtl", "StreamingDataWidthConverter_rtl")
_Makers = Mapping[str, HWCustomOp]  # by the tensor that a layer makes


def expected_depths(layers: Sequence[HWCustomOp]) -> dict[str, int]:
    """Return the depths of FIFOs directly before matrix layers, sliding windows and joins, by name.

    Args:
        layers: of a chain or a graph, with its FIFOs, each behind what it depends on.
    """
    makers = {output: layer for layer in layers for output in layer.onnx_node.output}
    frame = max(map(_cycles, layers))
    found = {}
    for layer in layers:
        sources = [makers[name] for name in layer.onnx_node.input if name in makers]
        rule = _RULES.get(str(layer.onnx_node.op_type))
        if rule and sources:
            before = max(_cycles(one) for one in _upstream(sources, makers))
            waiting = [rule(layer, before, _cycles(layer), frame)]
        else:
            waiting = _skipping(sources, makers)
        for source, beats in zip(sources, waiting, strict=False):
            found[str(source.onnx_node.name)] = max(_SHALLOW, round(beats))
    return found


def _upstream(layers: Sequence[HWCustomOp], makers: _Makers) -> list[HWCustomOp]:
    """Return the layers and all that they depend on, in the order in which they are found."""
    found, queue = list[HWCustomOp](), list(layers)
    while queue:
        layer = queue.pop()
        if layer not in found:
            found.append(layer)
            queue.extend(makers[name] for name in layer.onnx_node.input if name in makers)
    return found


def _skipping(sources: Sequence[HWCustomOp], makers: _Makers) -> list[float]:
    """Return what waits before a join for the branch that is the latest: none if there is one.

    Sliding windows make a branch late, by the rows that they need before the first window.
    """
    if len(sources) < 2:
        return []
    branches = [_upstream([source], makers) for source in sources]
    common = [one for one in branches[0] if all(one in other for other in branches[1:])]
    lags = [sum(_lag(one, makers) for one in some if one not in common) for some in branches]
    return [
        (max(lags) - lag) * float(np.prod(source.get_folded_output_shape()[:-1]))
        for source, lag in zip(sources, lags, strict=True)
    ]


def _lag(layer: HWCustomOp, makers: _Makers) -> float:
    """Return the share of a frame that a sliding window reads before it gives anything."""
    if layer.onnx_node.op_type != "ConvolutionInputGenerator_rtl":
        return 0.0
    height, width = layer.get_nodeattr("IFMDim")
    top, left = _padding(layer, makers)
    kernel = layer.get_nodeattr("ConvKernelDim")
    inner = width - 2 * left
    pixels = (kernel[0] - 1 - top) * inner + kernel[1] - left
    return float(max(0.0, pixels / ((height - 2 * top) * inner)))


def _padding(layer: HWCustomOp, makers: _Makers) -> tuple[int, int]:
    """Return the rows and columns of zeros at the upper and left edge of what a layer reads."""
    source = makers.get(layer.onnx_node.input[0])
    while source is not None and source.onnx_node.op_type in _PASSING:
        source = makers.get(source.onnx_node.input[0])
    if source is None or not str(source.onnx_node.op_type).startswith("FMPadding"):
        return 0, 0
    top, left, *_ = source.get_nodeattr("Padding")
    return top, left


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

    Those that arrive meanwhile, and in the time it has to spare, do not wait. See _waiting. Windows
    in parallel, and those of single channels (MobileNet's need less than this), count as ready.
    """
    if layer.select_impl_style() != "default" or layer.get_nodeattr("depthwise"):
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
    choice = 34.0 + stretch_luts(depth - 1, width_bits, part)
    return Estimate(lut=choice, dsp=0.0, bram18=2 * block_rams(depth - 1, width_bits, part))
