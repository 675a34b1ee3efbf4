# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Which unit can compute a matrix operator, and the attributes by which one is asked for."""

from typing import Any

from finn.custom_op.fpgadataflow.hwcustomop import HWCustomOp
from finn.transformation.fpgadataflow import specialize_layers
from qonnx.core.modelwrapper import ModelWrapper

from hw.errors import HardwareError
from hw.layers.matrix_shape import Operand
from hw.parts import Family, find_part

__all__ = ["UNIT_ATTRIBUTES", "dsp_possible", "unit_problem"]

# Of an operator, before and after specialisation.
UNIT_ATTRIBUTES: dict[str, Any] = {
    "unit": ("s", False, "", {"", "dsp", "lut"}),  # FINN's, ours, or (empty) what costs less
    "lut_per_dsp": ("f", False, 0.0),  # LUTs that are worth a DSP slice; 0: see UnitCost.of_part
    "dsp_possible": ("i", False, 0, {0, 1}),  # FINN's unit can do it; found from the weights
    "registered": ("i", False, 0, {0, 1}),  # ours with flip-flops at every stream
}


def dsp_possible(layer: HWCustomOp, fpgapart: str, model: ModelWrapper) -> bool:
    """Say whether FINN's unit can compute a matrix operator with its weights on a part."""
    if _is_ecp5(fpgapart):  # it instantiates Xilinx' slices
        return False
    node = layer.onnx_node
    if node.op_type.startswith("VVAU"):
        return bool(specialize_layers._vvu_rtl_possible(node, fpgapart))
    return bool(specialize_layers._mvu_rtl_possible(node, fpgapart, model))


def _is_ecp5(fpgapart: str) -> bool:
    try:
        return find_part(fpgapart).family is Family.ECP5
    except HardwareError:  # a part that FINN alone knows
        return False


def unit_problem(layer: HWCustomOp) -> str:
    """Return why our unit cannot compute a matrix operator, or nothing; needs the node alone."""
    wanted = {"noActivation": 1, "mem_mode": "internal_decoupled", "TH": 1, "pumpedMemory": 0,
              "pumpedCompute": 0}  # fmt: skip
    known = layer.get_nodeattr_types()
    for name, value in wanted.items():
        found = layer.get_nodeattr(name) if name in known else value
        if found != value:
            return f"{name} is {found}; our matrix unit needs {value}"
    try:
        operands = [Operand.of(layer.get_input_datatype(i)) for i in (0, 1)]
    except HardwareError as error:
        return str(error)
    if layer.get_nodeattr("binaryXnorMode") and any(operand.bits != 1 for operand in operands):
        return "binaryXnorMode is 1, but not all operands have one bit; set it to 0"
    return ""
