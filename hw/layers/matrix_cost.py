# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What a matrix layer costs on our unit and on FINN's, and which of the two to take."""

from dataclasses import dataclass

from finn.util.basic import get_dsp_block

from hw.errors import HardwareError
from hw.layers.matrix_shape import MatrixShape
from hw.layers.written_memory import WrittenMemory, written_memory
from hw.parts import find_part

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

# LUTs, fitted to Yosys on layers of a Zynq 7020: 28 of our unit to 7% r.m.s., 12 of FINN's to 4.5%.
# An UltraScale+ takes the same to within 3%. tests/hw/layers/test_matrix_cost.py holds some.
_PRODUCT, _PLANE_BIT, _SUM_BIT, _CORRECTION_BIT, _CONTROL = 2.23, 1.82, 2.02, 0.21, 8.18
_QUEUES = 20.0  # their control
_DSP_MAC, _DSP_SLICE, _DSP_SUM_BIT, _DSP_CONTROL = 9.19, 26.7, 3.17, 46.4


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
        return cls(_DSP_SCARCITY * part.lut / part.dsp)

    def of(self, resources: UnitResources) -> float:
        """Return the cost in LUTs."""
        return resources.lut + self.lut_per_dsp * resources.dsp


def choose_unit(shape: MatrixShape, fpgapart: str, cost: UnitCost, *, narrow: bool) -> str:
    """Return "lut" or "dsp", whichever costs less; both must be able to compute the layer."""
    ours = cost.of(lut_resources(shape, fpgapart))
    finns = cost.of(dsp_resources(shape, fpgapart, narrow=narrow))
    return "lut" if ours <= finns else "dsp"


def lut_resources(shape: MatrixShape, fpgapart: str) -> UnitResources:
    """Predict our unit.

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
    lut = _CONTROL + counted + joined + corrected + summed + _queued(shape) + memory.lut
    return UnitResources(lut, bram36=memory.bram36)


def _queued(shape: MatrixShape) -> float:
    """Predict the queues at the streams of a registered unit: a shift register for each bit."""
    if not shape.registered:
        return 0.0
    act = shape.simd * shape.act.bits * (shape.pe if shape.depthwise else 1)
    return _QUEUES + act + shape.pe * shape.out_bits


def dsp_resources(shape: MatrixShape, fpgapart: str, *, narrow: bool) -> UnitResources:
    """Predict FINN's unit; `narrow`: no weight is the most negative one.

    DSP slices are counted as mvu.sv lays out its lanes.
    """
    weight, act = (2 if o.bipolar else max(2, o.bits) for o in (shape.weight, shape.act))
    slices = -(-shape.pe // _lanes(weight, act, fpgapart, narrow=narrow)) * shape.simd
    summed = _DSP_SUM_BIT * shape.pe * shape.out_bits
    lut = _DSP_CONTROL + _DSP_MAC * shape.macs + _DSP_SLICE * slices + summed
    memory = repeated_vector(shape, act, fpgapart)
    return UnitResources(lut + memory.lut, slices, memory.bram36)


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
