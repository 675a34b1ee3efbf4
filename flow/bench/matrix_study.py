# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Synthesis of our matrix unit beside FINN's, for operands of several widths."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import finn

import hw
from hw.build import BuildStore
from hw.finn.library_patches import patch_library_file
from hw.layers.cores import core_sources
from hw.layers.matrix_shape import MatrixShape, Operand
from hw.parts import Family, Part, find_part
from hw.synth.resources import Resources
from hw.synth.yosys import SynthesisJob, run_job, synthesize_module

__all__ = ["STUDIED", "StudyRow", "dsp_unit", "lut_unit", "study"]

_RTL = Path(hw.__file__).parent / "rtl"
_FINN = Path(finn.__file__).parent / "finn-rtllib"
_LIBRARY = ("mvu_pkg", "mvu_vvu_axi", "replay_buffer", "mvu", "mvu_vvu_8sx9_dsp58")
_BIPOLAR = Operand(1, bipolar=True)

_PORTS = """\
  input logic ap_clk, input logic ap_rst_n,
  input logic [{weight_width}-1:0] w, input logic [{act_width}-1:0] a,
  input logic [2:0] go, output logic [{out_width}-1:0] p, output logic [2:0] went
"""
# Two modules: the first is read without its initial blocks, which wait (`SynthesisJob.cores`).
_UNIT = f"""\
module dsp_unit #(parameter SEGMENTLEN = 3.0) (
{_PORTS});
  mvu_vvu_axi #(
    .IS_MVU(1), .VERSION({{version}}), .PUMPED_COMPUTE(0), .MW({{mw}}), .MH({{mh}}), .PE({{pe}}),
    .SIMD({{simd}}), .ACTIVATION_WIDTH({{act_bits}}), .WEIGHT_WIDTH({{weight_bits}}),
    .ACCU_WIDTH({{out_bits}}), .NARROW_WEIGHTS({{narrow}}), .SIGNED_ACTIVATIONS({{signed}}),
    .SEGMENTLEN(SEGMENTLEN)
  ) inst (
    .ap_clk, .ap_clk2x(ap_clk), .ap_rst_n,
    .s_axis_weights_tdata(w), .s_axis_weights_tvalid(go[0]), .s_axis_weights_tready(went[0]),
    .s_axis_input_tdata(a), .s_axis_input_tvalid(go[1]), .s_axis_input_tready(went[1]),
    .m_axis_output_tdata(p), .m_axis_output_tvalid(went[2]), .m_axis_output_tready(go[2])
  );
endmodule
"""
_LAYER = f"module dsp_layer (\n{_PORTS});\n  dsp_unit matrix_unit (.*);\nendmodule\n"

# Weights and activations; the DSP unit holds bipolar operands as -1 and 1 of two bits.
STUDIED = {
    "1 x 1 bipolar": (_BIPOLAR, _BIPOLAR),
    "1 bipolar x 2": (_BIPOLAR, Operand(2)),
    "2 x 2": (Operand(2, signed=True), Operand(2)),
    "3 x 3": (Operand(3, signed=True), Operand(3)),
    "4 x 4": (Operand(4, signed=True), Operand(4)),
    "8 x 8": (Operand(8, signed=True), Operand(8)),
}


@dataclass(frozen=True, kw_only=True)
class StudyRow:
    """Resources of the two units for one pair of operands, without the weight memory."""

    operands: str
    part: Part
    lut_unit: Resources
    dsp_unit: Resources


def study(
    *,
    build_dir: Path,
    parts: Sequence[str] = ("xc7z020", "xck26"),
    inputs: int = 64,
    outputs: int = 64,
    pe: int = 8,
    simd: int = 16,
    operands: Sequence[str] = tuple(STUDIED),
) -> tuple[StudyRow, ...]:
    """Return a row for each part and pair of operands, with sums of the width that they need.

    Raises:
        HardwareError: an unknown part, or a failure of Yosys (names its log).
    """
    rows = []
    for part in map(find_part, parts):
        for name in operands:
            weight, act = STUDIED[name]
            out_bits = weight.bits + act.bits + inputs.bit_length()
            shape = MatrixShape(
                inputs=inputs, outputs=outputs, pe=pe, simd=simd, weight=weight, act=act,
                out_bits=out_bits,
            )  # fmt: skip
            ours = lut_unit(shape, part, build_dir=build_dir)
            finns = dsp_unit(shape, part, build_dir=build_dir)
            rows.append(StudyRow(operands=name, part=part, lut_unit=ours, dsp_unit=finns))
    return tuple(rows)


def lut_unit(
    shape: MatrixShape, part: Part, *, build_dir: Path, multiply: bool = False
) -> Resources:
    """Return the resources of our unit; `multiply`: with multipliers, not in LUTs.

    Raises:
        HardwareError: as `hw.synth.yosys.synthesize_module`.
    """
    sources = core_sources(shape.core)
    parameters = shape.core_parameters(multiply=multiply)
    return synthesize_module(shape.core, sources, part, build_dir=build_dir, parameters=parameters)


def dsp_unit(shape: MatrixShape, part: Part, *, build_dir: Path, narrow: bool = True) -> Resources:
    """Return the resources of FINN's unit; `narrow`: no weight is the most negative one.

    Raises:
        HardwareError: as `hw.synth.yosys.run_job`.
    """
    sources = {f"{name}.sv": _library_text(name) for name in _LIBRARY}
    sources["add_multi.sv"] = (_RTL / "synth" / "add_multi.sv").read_text()
    for name, template in (("dsp_unit", _UNIT), ("dsp_layer", _LAYER)):
        sources[f"{name}.sv"] = template.format_map(_dsp_values(shape, part.family, narrow))
    digest = hashlib.sha256("".join(sources.values()).encode()).hexdigest()[:16]
    folder = build_dir / f"dsp_unit_{digest}"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in sources.items():
        (folder / name).write_text(text)
    job = SynthesisJob(
        top="dsp_layer",
        sources=tuple(folder / name for name in sources),
        family=part.family.value,
        cores=("dsp_unit",),
    )
    return run_job(job, BuildStore(build_dir))


def _library_text(name: str) -> str:
    return patch_library_file(f"mvu/{name}.sv", (_FINN / "mvu" / f"{name}.sv").read_text())


def _dsp_values(shape: MatrixShape, family: Family, narrow: bool) -> dict[str, int]:
    weight, act = _on_dsp(shape.weight), _on_dsp(shape.act)
    return {
        "version": 1 if family is Family.SERIES_7 else 2,
        "mw": shape.inputs,
        "mh": shape.outputs,
        "pe": shape.pe,
        "simd": shape.simd,
        "act_bits": act.bits,
        "weight_bits": weight.bits,
        "out_bits": max(shape.out_bits, weight.bits + act.bits),
        "narrow": int(narrow),
        "signed": int(act.signed),
        "act_width": -(-shape.simd * act.bits // 8) * 8,
        "weight_width": -(-shape.macs * weight.bits // 8) * 8,
        "out_width": -(-shape.pe * max(shape.out_bits, weight.bits + act.bits) // 8) * 8,
    }


def _on_dsp(operand: Operand) -> Operand:
    if operand.bipolar:
        return Operand(2, signed=True)
    return replace(operand, bits=max(2, operand.bits))
