# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Size, folding and number formats of a matrix layer, whatever unit computes it."""

import re
from dataclasses import dataclass

from qonnx.core.datatype import BaseDataType

from hw.errors import HardwareError

__all__ = ["MULTIPLIER_BITS", "MatrixShape", "Operand"]

MULTIPLIER_BITS = 18  # of both operands of an ECP5's MULT18X18D


@dataclass(frozen=True)
class Operand:
    """How weights or activations are coded; a bipolar bit b stands for 2b - 1."""

    bits: int
    signed: bool = False
    bipolar: bool = False

    @classmethod
    def of(cls, datatype: BaseDataType) -> "Operand":
        """Return the coding of a QONNX datatype.

        Raises:
            HardwareError: the datatype is neither an integer nor BIPOLAR.
        """
        name = str(datatype.name)
        if name == "BIPOLAR":
            return cls(1, bipolar=True)
        if not re.fullmatch(r"U?INT\d+|BINARY", name):
            raise HardwareError(
                f"datatype {name} is neither INT, UINT, BINARY nor BIPOLAR; use one of them"
            )
        return cls(int(datatype.bitwidth()), signed=bool(datatype.signed()))


@dataclass(frozen=True, kw_only=True)
class MatrixShape:
    """A product of a matrix [inputs, outputs] and vectors.

    With `depthwise` each output has `inputs` values of its own: inputs is then the size of the
    window and outputs the number of channels.
    """

    inputs: int
    outputs: int
    pe: int  # outputs at a time
    simd: int  # inputs of each at a time
    weight: Operand
    act: Operand
    out_bits: int
    depthwise: bool = False
    popcount: bool = False  # both operands are bipolar; count equal places
    registered: bool = False  # flip-flops at every stream of our unit

    @property
    def macs(self) -> int:
        """Return the multiplications of a cycle."""
        return self.pe * self.simd

    @property
    def folds(self) -> int:
        """Return the beats that make one result."""
        return self.inputs // self.simd

    @property
    def repeats(self) -> int:
        """Return how often a vector is used."""
        return 1 if self.depthwise else self.outputs // self.pe

    @property
    def core(self) -> str:
        """Return the module of hw/rtl/layers that computes it."""
        return "vvu_lut" if self.depthwise else "mvu_lut"

    @property
    def products_per_multiplier(self) -> int:
        """Return how many products mul_dot.sv has a multiplier of 18 x 18 bits compute."""
        field = self.weight.bits + self.act.bits + 1
        widest = field + max(self.weight.bits, self.act.bits)
        paired = self.simd > 1 and not self.act.signed and widest <= MULTIPLIER_BITS
        return 2 if paired else 1

    def core_parameters(self, *, multiply: bool = False) -> dict[str, int]:
        """Return the parameters of `core`; `multiply`: with multipliers, not in LUTs."""
        size = (
            {"Window": self.inputs}
            if self.depthwise
            else {"MatrixWidth": self.inputs, "MatrixHeight": self.outputs}
        )
        return size | {
            "Pe": self.pe,
            "Simd": self.simd,
            "WeightBits": self.weight.bits,
            "ActBits": self.act.bits,
            "WeightSigned": int(self.weight.signed),
            "WeightBipolar": int(self.weight.bipolar),
            "ActSigned": int(self.act.signed),
            "ActBipolar": int(self.act.bipolar),
            "Popcount": int(self.popcount),
            "PerMultiplier": self.products_per_multiplier if multiply else 0,
            "OutBits": self.out_bits,
            **({"Registered": 1} if self.registered else {}),
        }
