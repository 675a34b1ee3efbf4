# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What a matrix layer costs in LUTs and on DSP slices, and which of the two to take."""

from dataclasses import dataclass

from finn.util.basic import get_dsp_block

from hw.errors import HardwareError
from hw.layers.matrix_rules import dsp_unit
from hw.layers.matrix_shape import MatrixShape
from hw.layers.written_memory import WrittenMemory, written_memory
from hw.parts import find_part, is_ecp5

__all__ = [
    "UnitCost",
    "UnitResources",
    "choose_unit",
    "dsp_resources",
    "lut_resources",
    "repeated_vector",
]

_RATIO = 240.0  # LUTs for each DSP slice of a part that is not in hw/parts.py: as a Zynq 7020
# Windows, thresholds and FIFOs want LUTs, and only matrix units want DSP slices: a slice is worth
# less than the part's LUTs divided by its slices.
_DSP_SCARCITY = 0.25
# Of an ECP5, of whose LUTs there are twice as many for a slice, and as many in our unit.
_MULTIPLIER_SCARCITY = 0.125

# LUTs, fitted to Yosys on layers of a Zynq 7020: 28 of our unit to 7% r.m.s., 12 of FINN's to 4.5%.
# An UltraScale+ takes the same to within 3%. tests/hw/layers/test_matrix_cost.py holds some.
_PRODUCT, _PLANE_BIT, _SUM_BIT, _CORRECTION_BIT, _CONTROL = 2.23, 1.82, 2.02, 0.21, 8.18
_QUEUES = 20.0  # their control
_DSP_MAC, _DSP_SLICE, _DSP_SUM_BIT, _DSP_CONTROL = 9.19, 26.7, 3.17, 46.4
# The same of an ECP5, in LUTs of four inputs: 12 layers with multipliers to 6%; without, what
# stands for one LUT of six inputs, to 16% r.m.s. on 7.
_MUL_TREE, _MUL_OFFSET, _MUL_ACT_BIT, _MUL_SUM_BIT, _MUL_CONTROL = 0.97, 2.34, 1.87, 2.0, 17.6
_LUT4 = 1.6


@dataclass(frozen=True)
class UnitResources:
    """Predicted resources of a unit, without its weight memory.

    `bram36` is that of the vector that is repeated.
    """

    lut: float
    dsp: int = 0
    bram36: float = 0.0


@dataclass(frozen=True)
class UnitCost:
    """What resources are worth: one DSP slice counts as `lut_per_dsp` LUTs."""

    lut_per_dsp: float

    def __post_init__(self) -> None:
        if self.lut_per_dsp <= 0:
            raise HardwareError(
                f"unit cost: {self.lut_per_dsp} LUTs for a DSP slice is not positive; give how "
                "many LUTs a DSP slice is worth"
            )

    @classmethod
    def of_part(cls, fpgapart: str, lut_per_dsp: float = 0.0) -> "UnitCost":
        """Return the cost that was asked for; for 0 a quarter of the part's LUTs for each slice."""
        if lut_per_dsp:
            return cls(lut_per_dsp)
        try:
            part = find_part(fpgapart)
        except HardwareError:
            return cls(_DSP_SCARCITY * _RATIO)
        scarcity = _MULTIPLIER_SCARCITY if is_ecp5(fpgapart) else _DSP_SCARCITY
        return cls(scarcity * part.lut / part.dsp)

    def of(self, resources: UnitResources) -> float:
        """Return the cost in LUTs."""
        return resources.lut + self.lut_per_dsp * resources.dsp


def choose_unit(shape: MatrixShape, fpgapart: str, cost: UnitCost, *, narrow: bool) -> str:
    """Return "lut" or `dsp_unit`, whichever costs less; both must be able to compute the layer."""
    in_luts = cost.of(lut_resources(shape, fpgapart))
    on_slices = cost.of(dsp_resources(shape, fpgapart, narrow=narrow))
    return "lut" if in_luts <= on_slices else dsp_unit(fpgapart)


def lut_resources(shape: MatrixShape, fpgapart: str) -> UnitResources:
    """Predict our unit in LUTs.

    A count of n products, which has b bits, takes LUTs in proportion to n - b; then the counts of
    all pairs of bit planes are added, then the sum of the activations if just one operand is
    bipolar, then the results of all folds.
    """
    bits = shape.simd.bit_length()
    planes = shape.weight.bits * shape.act.bits
    counts, corrected = planes * shape.pe, 0.0
    if shape.weight.bipolar != shape.act.bipolar:
        counts += shape.act.bits * (shape.pe if shape.depthwise else 1)
        corrected = _CORRECTION_BIT * shape.pe * (shape.act.bits + bits)
    counted = _PRODUCT * counts * (shape.simd - bits)
    joined = _PLANE_BIT * shape.pe * (planes - 1) * bits
    summed = _SUM_BIT * shape.pe * shape.out_bits if shape.folds > 1 else 0.0
    memory = repeated_vector(shape, shape.act.bits, fpgapart)
    lut = _CONTROL + counted + joined + corrected + summed + _queued(shape)
    if is_ecp5(fpgapart):
        lut *= _LUT4
    return UnitResources(lut + memory.lut, bram36=memory.bram36)


def _queued(shape: MatrixShape) -> float:
    """Predict the queues at the streams of a registered unit: a shift register for each bit."""
    if not shape.registered:
        return 0.0
    act = shape.simd * shape.act.bits * (shape.pe if shape.depthwise else 1)
    return _QUEUES + act + shape.pe * shape.out_bits


def dsp_resources(shape: MatrixShape, fpgapart: str, *, narrow: bool) -> UnitResources:
    """Predict the unit on DSP slices; `narrow`: no weight is the most negative one.

    Those of FINN's are counted as mvu.sv lays out its lanes.
    """
    if is_ecp5(fpgapart):
        return _multiplier_resources(shape, fpgapart)
    weight, act = (2 if o.bipolar else max(2, o.bits) for o in (shape.weight, shape.act))
    slices = -(-shape.pe // _lanes(weight, act, fpgapart, narrow=narrow)) * shape.simd
    summed = _DSP_SUM_BIT * shape.pe * shape.out_bits
    lut = _DSP_CONTROL + _DSP_MAC * shape.macs + _DSP_SLICE * slices + summed
    memory = repeated_vector(shape, act, fpgapart)
    return UnitResources(lut + memory.lut, slices, memory.bram36)


def _multiplier_resources(shape: MatrixShape, fpgapart: str) -> UnitResources:
    """Predict our unit with multipliers, as mul_dot.sv lays out its pairs and its tree."""
    count = -(-shape.simd // shape.products_per_multiplier)
    term = shape.weight.bits + shape.act.bits + 1
    lut = _MUL_CONTROL + _MUL_TREE * shape.pe * (count - 1) * (term + 2)
    if shape.products_per_multiplier == 2 and shape.weight.signed:
        vectors = shape.pe if shape.depthwise else 1
        lut += _MUL_OFFSET * shape.macs + _MUL_ACT_BIT * vectors * shape.act.bits * shape.simd
    if shape.folds > 1:
        lut += _MUL_SUM_BIT * shape.pe * shape.out_bits
    memory = repeated_vector(shape, shape.act.bits, fpgapart)
    return UnitResources(lut + memory.lut, count * shape.pe, memory.bram36)


def _lanes(weight: int, act: int, fpgapart: str, *, narrow: bool) -> int:
    """Return the products that one slice computes, as mvu.sv's NUM_LANES."""
    port = 25 if get_dsp_block(fpgapart) == "DSP48E1" else 27
    if port == weight:
        return 1
    return 1 + (port - (not narrow) - weight) // (weight + act - 1)


def repeated_vector(shape: MatrixShape, act_bits: int, fpgapart: str) -> WrittenMemory:
    """Return the memory that a vector is repeated from, by mvu_replay or FINN's replay_buffer."""
    if shape.repeats == 1:
        return WrittenMemory(lut=0, bram36=0.0)
    words = 2 ** max(1, (shape.folds - 1).bit_length())
    return written_memory(words, shape.simd * act_bits, fpgapart)
