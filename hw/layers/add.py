# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Integer addition of two streams, or of a stream and a constant a channel (a bias).

Sums are exact where out_dtype holds them, as it must: it may be narrower than the datatypes of the
operands suggest, where values are bounded more tightly than by these.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from finn.custom_op.fpgadataflow.elementwise_binary import ElementwiseAdd
from finn.custom_op.fpgadataflow.rtl.elementwise_binary_rtl import (
    ElementwiseAdd_rtl as FinnElementwiseAdd_rtl,
)
from finn.custom_op.fpgadataflow.rtlbackend import RTLBackend
from numpy.typing import NDArray
from onnx import GraphProto, NodeProto
from qonnx.core.modelwrapper import ModelWrapper

from hw.errors import HardwareError
from hw.layers._wrapper import Core, Port, Wrapper, stream_pins
from hw.layers.base import StreamLayer, is_integer, is_signed

__all__ = ["ElementwiseAdd_rtl", "addition_problem"]

_CONSTANT = "constant.dat"


def addition_problem(operator: ElementwiseAdd) -> str:
    """Return why an addition has no RTL of ours, or nothing; also before it is specialised."""
    types = (*(operator.get_input_datatype(i) for i in (0, 1)), operator.get_output_datatype())
    for datatype in types:
        if not is_integer(datatype):
            return f"addition of {datatype.name}; only integers have RTL"
    if operator.lhs_style == "const":
        return "the left operand is constant; swap the operands"
    shapes = [_trimmed(s) for s in (operator.lhs_shape, operator.rhs_shape, operator.out_shape)]
    if shapes[0] != shapes[2]:
        return f"operand {operator.lhs_shape} is not as large as the sum {operator.out_shape}"
    if operator.rhs_style == "const":
        if shapes[1] not in ([], shapes[2][-1:]):
            return f"constant {operator.rhs_shape} is neither one number nor one a channel"
    elif shapes[1] != shapes[2]:
        return f"operand {operator.rhs_shape} is not as large as the sum {operator.out_shape}"
    return ""


def _trimmed(shape: Sequence[int]) -> list[int]:
    """Return a shape without the ones that it begins with."""
    sizes = [int(size) for size in shape]
    return sizes[next((i for i, size in enumerate(sizes) if size != 1), len(sizes)) :]


class ElementwiseAdd_rtl(StreamLayer, ElementwiseAdd):  # noqa: N801
    """Sum of two integer streams of one shape, or of a stream and rhs_style="const".

    FINN's class of this name adds floats on Versal; nodes with floats stay with it.
    """

    finn_op = ElementwiseAdd

    def __new__(cls, onnx_node: NodeProto, **settings: int) -> RTLBackend:
        """Return FINN's operator for floats, which no class beside it can be registered for."""
        types = [a.s for a in onnx_node.attribute if a.name in ("lhs_dtype", "rhs_dtype")]
        if any(name.startswith(b"FLOAT") for name in types):
            return FinnElementwiseAdd_rtl(onnx_node, **settings)
        return super().__new__(cls)

    @property
    def cores(self) -> tuple[str, ...]:  # type: ignore[override]
        """Return the cores in use."""
        return ("stream_constant", "stream_add") if self.is_bias() else ("stream_add",)

    def is_bias(self) -> bool:
        """Say whether the right operand is constant."""
        return bool(self.rhs_style == "const")

    def problem(self) -> str:
        """Return what is wrong with operands or datatypes, or nothing."""
        return addition_problem(self)

    def memory(self, model: ModelWrapper) -> dict[str, str]:
        """Return the constant, one word of PE lanes for each group of channels.

        Raises:
            HardwareError: the style of the right operand does not say what it is, or a constant
                is outside of its datatype.
        """
        values = model.get_initializer(self.onnx_node.input[1])
        if (values is not None) != self.is_bias():
            raise HardwareError(
                f"{self.onnx_node.name}: rhs_style {self.rhs_style!r}, but the right operand has "
                f"{'an' if values is not None else 'no'} initializer; run MinimizeWeightBitWidth"
            )
        if values is None:
            return {}
        right = self.rhs_dtype
        if not (right.allowed(values.min()) and right.allowed(values.max())):
            raise HardwareError(
                f"{self.onnx_node.name}: constants {values.min():g} to {values.max():g} are no "
                f"{right.name}; set rhs_dtype"
            )
        lanes = np.broadcast_to(values.reshape(-1), self.out_shape[-1:]).reshape(-1, self.pe)
        return {_CONSTANT: "".join(f"{self._word(row)}\n" for row in lanes.astype(np.int64))}

    def _word(self, lanes: NDArray[np.int64]) -> str:
        bits = self.rhs_dtype.bitwidth()
        mask = (1 << bits) - 1
        return f"{sum((int(value) & mask) << (bits * p) for p, value in enumerate(lanes)):x}"

    def wrapper(self, module: str, folder: Path) -> Wrapper:
        """Return the core with FINN's ports."""
        into, out = self.input_ports(), self.output_ports()
        pins = stream_pins("a", into[:1], into=True) | stream_pins("out", out, into=False)
        if self.is_bias():
            width = self.pe * self.rhs_dtype.bitwidth()
            pins |= {f"b_{pin}": f"constant_{pin[:5]}" for pin in ("valid_i", "ready_o")}
            constant = Port("constant", width)
            cores = [self._constant_core(width)]
            wires = {"constant_valid": 1, "constant_ready": 1, constant.data: width}
        else:
            pins |= stream_pins("b", into[1:], into=True)
            constant, cores, wires = into[1], [], {}
        pins |= {"a_data_i": into[0].data, "b_data_i": constant.data, "out_data_o": out[0].data}
        return Wrapper(
            module=module,
            inputs=into,
            outputs=out,
            cores=[*cores, self._add_core(pins)],
            wires=wires,
            strings={"InitFile": str(folder / _CONSTANT)} if self.is_bias() else {},
        )

    def _constant_core(self, width: int) -> Core:
        return Core(
            module="stream_constant",
            parameters={
                "Width": width,
                "Depth": int(self.out_shape[-1]) // self.pe,
                "InitFile": "InitFile",
            },
            pins={
                "out_valid_o": "constant_valid",
                "out_ready_i": "constant_ready",
                "out_data_o": "constant_data",
            },
        )

    def _add_core(self, pins: dict[str, str]) -> Core:
        return Core(
            module="stream_add",
            parameters={
                "Pe": self.pe,
                "ABits": self.lhs_dtype.bitwidth(),
                "ASigned": is_signed(self.lhs_dtype),
                "BBits": self.rhs_dtype.bitwidth(),
                "BSigned": is_signed(self.rhs_dtype),
                "OutBits": self.out_dtype.bitwidth(),
            },
            pins=pins,
        )

    def get_instream_width(self, ind: int = 0) -> int:
        """Return the width of a stream; a constant is none."""
        if ind == 1 and self.is_bias():
            return 0
        return int(self.pe) * int(self.get_input_datatype(ind).bitwidth())

    def execute_node(self, context: dict[str, NDArray[Any]], graph: GraphProto) -> None:
        """Compute the sum; FINN's RTL simulation would feed a constant as a stream."""
        if self.get_nodeattr("exec_mode") != "rtlsim" or not self.is_bias():
            super().execute_node(context, graph)
            return
        self.simulate_without_constant(context, graph)

    def bram_estimation(self, fpgapart: str) -> int:  # noqa: ARG002
        """Return 0: the constant is in LUTs."""
        return 0

    def uram_estimation(self, fpgapart: str) -> int:  # noqa: ARG002
        """Return 0."""
        return 0

    def lut_estimation(self, fpgapart: str) -> int:  # noqa: ARG002
        """Return LUTs: an adder a lane, and a constant of 64 words a LUT."""
        adders = int(self.get_outstream_width()) + 2
        if not self.is_bias():
            return adders
        lanes = int(self.pe)
        words = int(self.out_shape[-1]) // lanes
        return adders + lanes * int(self.rhs_dtype.bitwidth()) * -(-words // 64)
