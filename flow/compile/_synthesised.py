# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""From the estimate of a layer's LUTs to what Yosys makes of it.

Memories are counted as Yosys maps them. Each kind of layer has some control beside them, and
synthesis shares logic: that is fitted by least squares of the relative error to the layers of
twelve random networks for a Zynq 7020 (`bench search-cost`, seeds 1000 to 1011; thresholds: seeds
0 to 7); other seeds are for the check.
"""

from math import log2

from finn.custom_op.fpgadataflow.hwcustomop import HWCustomOp

from hw.layers.matrix_cost import lut_resources, repeated_vector
from hw.layers.weight_memory import lut_rom, stretch_luts
from hw.layers.written_memory import lut_memory

__all__ = ["synthesised_lut"]

# (factor of the estimate, LUTs)
_FITTED = {
    "ConvolutionInputGenerator_rtl": (1.704, -372.0),
    "FMPadding_rtl": (0.0, 31.2),
    "StreamingDataWidthConverter_rtl": (0.428, 14.8),
    "Thresholding_rtl": (1.364, -63.7),
}
# Of a layer on our unit: its logic, each address bit and each bit of its weight memory.
_MATRIX, _ADDRESS_BIT, _WEIGHT_BIT, _MATRIX_CONTROL = 1.064, 5.79, 1.69, -14.6
_WINDOW_BIT, _WINDOW_CONTROL = 15.9, 63.5  # of a sliding window: each address bit of its buffer
_LEAST = 8.0  # below what was fitted


def synthesised_lut(layer: HWCustomOp, estimate: float, part: str) -> float:
    """Return the LUTs that a node is expected to take after synthesis."""
    kind = str(layer.onnx_node.op_type)
    if kind in ("MVAU_rtl", "VVAU_rtl") and layer.chosen_unit(part) == "lut":
        fitted = _matrix(layer, part)
    elif kind == "ConvolutionInputGenerator_rtl" and layer.select_impl_style() == "default":
        fitted = _window(layer, part)
    elif kind in _FITTED:
        factor, constant = _FITTED[kind]
        fitted = factor * estimate + constant
    else:
        return estimate
    return max(fitted, _LEAST)


def _matrix(layer: HWCustomOp, part: str) -> float:
    shape, (words, width) = layer.shape(), layer.memory_size()
    memory = repeated_vector(shape, shape.act.bits, part).lut
    logic = _MATRIX * (lut_resources(shape, part).lut - memory) + _MATRIX_CONTROL
    if layer.memory_style(part) == "distributed":
        memory += lut_rom(words, width, part)
    else:
        memory += stretch_luts(words, width, part)
    return float(logic + memory + _ADDRESS_BIT * log2(words) + _WEIGHT_BIT * width)


def _window(layer: HWCustomOp, part: str) -> float:
    words = int(layer.get_buffer_depth())
    width = int(layer.get_nodeattr("SIMD") * layer.get_input_datatype().bitwidth())
    logic = _WINDOW_BIT * log2(words) + _WINDOW_CONTROL
    if layer.get_nodeattr("ram_style") == "distributed":
        return logic + lut_memory(words, width, part)
    return logic
