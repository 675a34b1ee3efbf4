# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""From the estimate of a layer's LUTs to what Yosys makes of it.

Estimates count what grows with a layer: multipliers, memories, buffers. Each kind of layer has some
control beside it, and synthesis shares logic. Fitted by least squares of the relative error to 228
layers, FIFOs and width converters of eight random networks for a Zynq 7020 (`bench search-cost`,
seeds 0 to 7); other seeds are for the check.
"""

from math import log2

from finn.custom_op.fpgadataflow.hwcustomop import HWCustomOp

__all__ = ["synthesised_lut"]

# (factor of the estimate, LUTs)
_FITTED = {
    "ConvolutionInputGenerator_rtl": (1.704, -372.0),
    "FMPadding_rtl": (0.0, 31.8),
    "StreamingDataWidthConverter_rtl": (0.235, 20.4),
    "StreamingFIFO_rtl": (1.04, -0.6),
    "Thresholding_rtl": (1.364, -63.7),
}
_MATRIX, _ADDRESS_BIT, _MATRIX_CONTROL = 1.186, 6.99, -32.1  # of a layer on our unit
_LEAST = 8.0  # below what was fitted


def synthesised_lut(layer: HWCustomOp, estimate: float, part: str) -> float:
    """Return the LUTs that a node is expected to take after synthesis."""
    kind = str(layer.onnx_node.op_type)
    if kind in ("MVAU_rtl", "VVAU_rtl"):
        if layer.chosen_unit(part) != "lut":
            return estimate
        depth = layer.memory_size()[0]
        fitted = _MATRIX * estimate + _ADDRESS_BIT * log2(depth) + _MATRIX_CONTROL
    elif kind in _FITTED:
        factor, constant = _FITTED[kind]
        fitted = factor * estimate + constant
    else:
        return estimate
    return max(fitted, _LEAST)
