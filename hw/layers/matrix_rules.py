# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Which unit can compute a matrix operator, and the attributes by which one is asked for."""

from typing import Any

from finn.custom_op.fpgadataflow.hwcustomop import HWCustomOp
from finn.transformation.fpgadataflow import specialize_layers
from qonnx.core.modelwrapper import ModelWrapper

from hw.errors import HardwareError
from hw.layers.matrix_shape import MULTIPLIER_BITS, Operand
from hw.parts import is_ecp5

__all__ = ["UNIT_ATTRIBUTES", "dsp_possible", "dsp_unit", "unit_problem"]

# Of an operator, before and after specialisation.
UNIT_ATTRIBUTES: dict[str, Any] = {
    # FINN's of DSP slices, ours in LUTs or of multipliers, or (empty) what costs less
    "unit": ("s", False, "", {"", "dsp", "lut", "mul"}),
    "lut_per_dsp": ("f", False, 0.0),  # LUTs that are worth a DSP slice; 0: see UnitCost.of_part
    "dsp_possible": ("i", False, 0, {0, 1}),  # dsp or mul can do it; found from the weights
    "registered": ("i", False, 0, {0, 1}),  # ours with flip-flops at every stream
}


def dsp_unit(fpgapart: str) -> str:
    """Return the unit that takes a part's DSP slices: FINN's instantiates those of Xilinx."""
    return "mul" if is_ecp5(fpgapart) else "dsp"


def dsp_possible(layer: HWCustomOp, fpgapart: str, model: ModelWrapper) -> bool:
    """Say whether `dsp_unit` can compute a matrix operator with its weights on a part."""
    if dsp_unit(fpgapart) == "mul":
        return not unit_problem(layer) and all(map(_can_be_multiplied, _operands(layer)))
    node = layer.onnx_node
    if node.op_type.startswith("VVAU"):
        return bool(specialize_layers._vvu_rtl_possible(node, fpgapart))
    return bool(specialize_layers._mvu_rtl_possible(node, fpgapart, model))


def _can_be_multiplied(operand: Operand) -> bool:
    """Say whether it is worth a port of a multiplier, and fits one with a sign."""
    return 1 < operand.bits <= MULTIPLIER_BITS - (not operand.signed)


def _operands(layer: HWCustomOp) -> list[Operand]:
    return [Operand.of(layer.get_input_datatype(i)) for i in (0, 1)]


def unit_problem(layer: HWCustomOp) -> str:
    """Return why our units cannot compute a matrix operator, or nothing; needs the node alone."""
    wanted = {"noActivation": 1, "mem_mode": "internal_decoupled", "TH": 1, "pumpedMemory": 0,
              "pumpedCompute": 0}  # fmt: skip
    known = layer.get_nodeattr_types()
    for name, value in wanted.items():
        found = layer.get_nodeattr(name) if name in known else value
        if found != value:
            return f"{name} is {found}; our matrix unit needs {value}"
    try:
        operands = _operands(layer)
    except HardwareError as error:
        return str(error)
    if layer.get_nodeattr("binaryXnorMode") and any(operand.bits != 1 for operand in operands):
        return "binaryXnorMode is 1, but not all operands have one bit; set it to 0"
    return ""
