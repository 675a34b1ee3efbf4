# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Predicted resources of the two matrix units against Yosys, and the choice between them."""

import pytest

from hw.errors import HardwareError
from hw.layers.matrix_cost import (
    UnitCost,
    choose_unit,
    dsp_resources,
    lut_resources,
)
from hw.layers.matrix_shape import MatrixShape, Operand

_PYNQ, _KV260 = "xc7z020clg400-1", "xck26-sfvc784-2LV-c"
_ECP5 = "LFE5U-85F-6BG381C"
_BIPOLAR = Operand(1, bipolar=True)


def _signed(bits: int) -> Operand:
    return Operand(bits, signed=True)


def _shape(
    weight: Operand, act: Operand, folding: tuple[int, int, int, int] = (8, 16, 4, 8),
    *, depthwise: bool = False,
) -> MatrixShape:  # fmt: skip
    """Return a layer; its folding is PE, SIMD, input folds, output folds."""
    pe, simd, folds, repeats = folding
    inputs = simd * folds
    return MatrixShape(
        inputs=inputs, outputs=pe * repeats, pe=pe, simd=simd, weight=weight, act=act,
        out_bits=weight.bits + act.bits + inputs.bit_length(), depthwise=depthwise,
    )  # fmt: skip


# Measured by flow.bench.matrix_study on a Zynq 7020: LUTs of our unit.
_LUT_UNIT = {
    _shape(_BIPOLAR, _BIPOLAR): 342,
    _shape(_BIPOLAR, Operand(2)): 715,
    _shape(_signed(2), Operand(2)): 1166,
    _shape(_signed(3), Operand(3)): 2566,
    _shape(_signed(4), Operand(4)): 4562,
    _shape(_signed(8), Operand(8)): 19182,
    _shape(_BIPOLAR, _BIPOLAR, (2, 72, 2, 2)): 392,
    _shape(_signed(2), Operand(2), (2, 36, 8, 2)): 757,
    _shape(_BIPOLAR, Operand(8), (4, 3, 1, 2)): 226,
    _shape(_signed(4), Operand(4), (4, 1, 9, 2), depthwise=True): 195,
    _shape(_BIPOLAR, Operand(2), (4, 9, 1, 2), depthwise=True): 214,
}
# LUTs and DSP slices of FINN's.
_DSP_UNIT = {
    _shape(_signed(2), Operand(2)): (1975, 16),
    _shape(_signed(3), Operand(3)): (2256, 32),
    _shape(_signed(4), Operand(4)): (2583, 32),
    _shape(_signed(8), Operand(8)): (3873, 64),
    _shape(_signed(4), Operand(4), (8, 2, 2, 1)): (569, 4),
    _shape(_signed(8), Operand(8), (2, 8, 2, 2)): (594, 8),
}
# LUTs of four inputs of our unit on an ECP5, and with multipliers LUTs and how many of those.
_LUT4_UNIT = {
    _shape(_signed(4), Operand(4), (4, 4, 1, 1)): 940,
    _shape(_signed(4), Operand(4), (2, 16, 8, 1)): 1669,
    _shape(_signed(4), Operand(4), (8, 8, 4, 1)): 3515,
    _shape(_signed(8), Operand(8), (2, 4, 4, 1)): 1886,
    _shape(_signed(5), Operand(5), (4, 8, 2, 1)): 2601,
}
_MULTIPLIERS = {
    _shape(_signed(4), Operand(4), (4, 4, 1, 1)): (128, 8),
    _shape(_signed(4), Operand(4), (8, 8, 4, 1)): (708, 32),
    _shape(_signed(4), Operand(4), (4, 9, 1, 2), depthwise=True): (540, 20),
    _shape(_signed(4), _signed(4), (4, 8, 2, 1)): (408, 32),
    _shape(_signed(6), Operand(6), (4, 4, 4, 1)): (331, 16),
    _shape(_signed(8), Operand(8), (2, 4, 4, 1)): (213, 8),
}


@pytest.mark.parametrize("shape", _LUT_UNIT, ids=str)
def test_our_unit_is_predicted(shape: MatrixShape) -> None:
    assert lut_resources(shape, _PYNQ).lut == pytest.approx(_LUT_UNIT[shape], rel=0.2)
    assert lut_resources(shape, _PYNQ).dsp == 0


@pytest.mark.parametrize("shape", _DSP_UNIT, ids=str)
def test_finns_unit_is_predicted(shape: MatrixShape) -> None:
    lut, dsp = _DSP_UNIT[shape]
    found = dsp_resources(shape, _PYNQ, narrow=True)
    assert found.lut == pytest.approx(lut, rel=0.1)
    assert found.dsp == dsp


@pytest.mark.parametrize("shape", _LUT4_UNIT, ids=str)
def test_our_unit_is_predicted_in_luts_of_four_inputs(shape: MatrixShape) -> None:
    assert lut_resources(shape, _ECP5).lut == pytest.approx(_LUT4_UNIT[shape], rel=0.2)


@pytest.mark.parametrize("shape", _MULTIPLIERS, ids=str)
def test_our_unit_with_multipliers_is_predicted(shape: MatrixShape) -> None:
    lut, multipliers = _MULTIPLIERS[shape]
    found = dsp_resources(shape, _ECP5, narrow=False)
    assert found.lut == pytest.approx(lut, rel=0.1)
    assert found.dsp == multipliers


def test_weights_of_the_full_range_take_a_bit_of_the_lanes() -> None:
    shape = _shape(_signed(3), Operand(2), (42, 16, 4, 8))
    slices = [dsp_resources(shape, _KV260, narrow=narrow).dsp for narrow in (True, False)]
    assert slices == [16 * 6, 16 * 7]  # lanes of 4 bits in 27: 1 + 24 // 4 = 7, 1 + 23 // 4 = 6


@pytest.mark.parametrize(("bits", "unit"), [(2, "lut"), (3, "lut"), (4, "mul"), (8, "mul")])
@pytest.mark.parametrize("folding", [(8, 16, 4, 8), (4, 4, 1, 1), (2, 9, 8, 2)], ids=str)
def test_four_bits_and_more_go_to_multipliers(
    bits: int, unit: str, folding: tuple[int, int, int, int]
) -> None:
    shape = _shape(_signed(bits), Operand(bits), folding)
    assert choose_unit(shape, _ECP5, UnitCost.of_part(_ECP5), narrow=False) == unit


@pytest.mark.parametrize(("shape", "unit"), [
    (_shape(_BIPOLAR, _BIPOLAR), "lut"),
    (_shape(_signed(2), Operand(2)), "lut"),
    (_shape(_signed(8), Operand(8)), "dsp"),
], ids=str)  # fmt: skip
@pytest.mark.parametrize("part", [_PYNQ, _KV260])
def test_few_bits_go_to_luts(shape: MatrixShape, unit: str, part: str) -> None:
    assert choose_unit(shape, part, UnitCost.of_part(part), narrow=True) == unit


def test_dear_slices_go_to_luts() -> None:
    shape = _shape(_signed(8), Operand(8))
    assert choose_unit(shape, _PYNQ, UnitCost(1000.0), narrow=True) == "lut"


def test_cost_comes_from_the_part() -> None:
    assert UnitCost.of_part(_PYNQ).lut_per_dsp == pytest.approx(53_200 / 220 / 4)
    assert UnitCost.of_part(_ECP5).lut_per_dsp == pytest.approx(83_640 / 156 / 8)
    assert UnitCost.of_part("xc7a999t").lut_per_dsp == 60
    assert UnitCost.of_part(_PYNQ, 12.0).lut_per_dsp == 12


def test_worthless_slices_are_refused() -> None:
    with pytest.raises(
        HardwareError, match=r"unit cost: -1.0 LUTs for a DSP slice is not positive"
    ):
        UnitCost(-1.0)
