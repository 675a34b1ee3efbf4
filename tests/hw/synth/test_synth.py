# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Resources of small modules whose counts are known, and of an accelerator made of them."""

import json
from dataclasses import replace
from pathlib import Path

import finn
import numpy as np
import pytest

import hw
from hw.accelerator import Accelerator, Estimate, Fifo, ImageInput, Layer, LogitOutput, Manifest
from hw.build import BuildStore
from hw.errors import HardwareError
from hw.parts import Part, find_part
from hw.synth import Resources, synthesize, synthesize_module
from hw.synth.resources import count_cells
from hw.synth.yosys import SynthesisJob, run_job

pytestmark = pytest.mark.slow

_PYNQ = find_part("xc7z020clg400-1")
_KV260 = find_part("xck26")
_NONE = {"lut": 0, "lut_memory": 0, "ff": 0, "dsp": 0, "bram36": 0.0}
_PORTS = "input logic clk, input logic [{i}:0] i, output logic [{o}:0] o"
_BODIES = {
    "register": (7, 7, "always_ff @(posedge clk) o <= i;"),
    "adder": (7, 3, "assign o = i[3:0] + i[7:4];"),
    "multiplier": (31, 31, "always_ff @(posedge clk) o <= $signed(i[15:0]) * $signed(i[31:16]);"),
    "tap": (
        5,
        0,
        "logic [31:0] s; always_ff @(posedge clk) if (i[0]) s <= {s, i[1]};"
        " logic [4:0] a; assign a = i[5:1]; assign o = s[a];",
    ),
    "rom": (
        9,
        35,
        'logic [35:0] m [1024]; initial $readmemh("rom.dat", m);'
        " always_ff @(posedge clk) o <= m[i];",
    ),
    "small_rom": (
        4,
        7,
        'logic [7:0] m [32]; initial $readmemh("rom.dat", m); assign o = m[i];',
    ),
}


def _write(folder: Path, name: str) -> Path:
    inputs, outputs, body = _BODIES[name]
    path = folder / f"{name}.sv"
    ports = _PORTS.format(i=inputs, o=outputs)
    path.write_text(f"module {name}({ports});\n{body}\nendmodule\n")
    return path


def _count(folder: Path, name: str, part: Part = _PYNQ) -> Resources:
    source = _write(folder, name)
    memory = ["rom.dat"] if (folder / "rom.dat").exists() else []
    return synthesize_module(
        name, [source], part, build_dir=folder / "build", base_dir=folder, memory=memory
    )


@pytest.mark.parametrize(
    ("name", "part", "expected"),
    [
        ("register", _PYNQ, {"ff": 8}),
        ("multiplier", _PYNQ, {"dsp": 1}),
        ("multiplier", _KV260, {"dsp": 1, "ff": 32}),  # Yosys packs no register into a DSP48E2
        ("tap", _PYNQ, {"lut": 1, "lut_memory": 1}),
    ],
)
def test_known_counts(name: str, part: Part, expected: dict[str, int], tmp_path: Path) -> None:
    assert _count(tmp_path, name, part) == Resources(**(_NONE | expected))


def test_adder_takes_a_lut_or_two_a_bit(tmp_path: Path) -> None:
    found = _count(tmp_path, "adder")
    assert 4 <= found.lut <= 8
    assert (found.ff, found.dsp, found.bram36) == (0, 0, 0)


def test_deep_memory_is_one_block_ram(tmp_path: Path) -> None:
    words = np.random.default_rng(0).integers(0, 1 << 36, 1024)
    (tmp_path / "rom.dat").write_text("\n".join(f"{word:x}" for word in words))
    assert _count(tmp_path, "rom") == Resources(**(_NONE | {"bram36": 1.0}))


def test_contents_of_a_memory_count(tmp_path: Path) -> None:
    words = np.random.default_rng(0).integers(0, 256, 32)
    (tmp_path / "rom.dat").write_text("\n".join(f"{word:x}" for word in words))
    assert _count(tmp_path, "small_rom").lut == 8  # a LUT5 for each bit of the word
    (tmp_path / "rom.dat").write_text("\n".join(["55"] * 32))
    with pytest.raises(HardwareError, match=r"synthesis of small_rom: nothing is left of it"):
        _count(tmp_path, "small_rom")


def test_failure_names_error_and_log(tmp_path: Path) -> None:
    source = tmp_path / "broken.sv"
    source.write_text("module broken(input logic i, output logic o); assign o = missing; endmodule")
    with pytest.raises(HardwareError, match=r"broken: .* status 1: .*'missing'; see .*\.log"):
        synthesize_module("broken", [source], _PYNQ, build_dir=tmp_path)


def test_lost_source_is_named(tmp_path: Path) -> None:
    with pytest.raises(HardwareError, match=r"lost\.sv: cannot be read \(No such file"):
        synthesize_module("lost", [tmp_path / "lost.sv"], _PYNQ, build_dir=tmp_path)


def test_lost_memory_is_named(tmp_path: Path) -> None:
    source = _write(tmp_path, "small_rom")
    with pytest.raises(HardwareError, match=r"synthesis of small_rom: .*rom\.dat"):
        synthesize_module("small_rom", [source], _PYNQ, build_dir=tmp_path / "build")


def test_time_limit_stops_yosys(tmp_path: Path) -> None:
    source = _write(tmp_path, "register")
    with pytest.raises(HardwareError, match=r"register: stopped after 0\.01 s, .*\.log"):
        synthesize_module("register", [source], _PYNQ, build_dir=tmp_path, timeout_s=0.01)


def test_unknown_primitive_is_named() -> None:
    with pytest.raises(HardwareError, match=r"top: the netlist holds URAM288, which is no prim"):
        count_cells({"LUT6": 1, "URAM288": 2}, "top")


def test_cells_are_weighed() -> None:
    cells = {"LUT6": 3, "LUT6_2": 1, "INV": 1, "RAM32M": 2, "SRLC32E": 5, "FDSE": 4, "CARRY4": 9}
    cells |= {"RAMB18E1": 3, "DSP48E1": 2}
    expected = Resources(lut=18, lut_memory=13, ff=4, dsp=2, bram36=1.5)
    assert count_cells(cells, "top") == expected


def _accelerator(folder: Path) -> Accelerator:
    """An accelerator of a register and two equal FIFOs, as a manifest would describe it."""
    _write(folder, "register")
    estimate = Estimate(lut=3.0, dsp=0.0, bram18=1.0)
    layer = Layer(
        name="Register_0",
        op_type="Register_rtl",
        module="register",
        sources=("register.sv",),
        memory=(),
        folding={},
        cycles_predicted=1,
        estimate=estimate,
    )
    fifos = tuple(
        Fifo(
            name=f"StreamingFIFO_rtl_{i}",
            depth=2,
            width_bits=8,
            ram_style="auto",
            beats_per_frame=1,
            estimate=estimate,
        )
        for i in range(2)
    )
    manifest = Manifest(
        schema=1,
        name="tiny",
        top="tiny_top",
        part=_PYNQ.name,
        device=_PYNQ,
        clock_mhz=100.0,
        input=ImageInput(
            shape=(1, 1, 1), datatype="UINT8", stream_width_bits=8, elements_per_beat=1
        ),
        output=LogitOutput(
            shape=(1,),
            datatype="INT8",
            logit_scale=1.0,
            logit_offset=(0.0,),
            stream_width_bits=8,
            elements_per_beat=1,
        ),
        layers=(layer,),
        fifos=fifos,
        streams=(),
        cycles_per_frame_predicted=1,
        sources=("register.sv",),
        checksum="",
        tool_versions={},
    )
    return Accelerator(folder, manifest)


def test_report_sums_layers_and_runs_equal_ones_once(tmp_path: Path) -> None:
    build = tmp_path / "build"
    seen: list[tuple[int, int]] = []
    report = synthesize(
        _accelerator(tmp_path),
        build_dir=build,
        progress=lambda finished: seen.append((finished.done, finished.total)),
    )
    layer, *fifos = report.layers
    assert layer.resources.ff == 8
    assert layer.estimate.bram18 == 1.0
    assert fifos[0].resources == fifos[1].resources
    assert report.total == layer.resources + fifos[0].resources + fifos[1].resources
    assert sorted(seen)[-1] == (3, 3)
    assert len(list(build.iterdir())) == 2  # the register and one FIFO


def test_a_family_that_yosys_does_not_know_is_refused(tmp_path: Path) -> None:
    accelerator = _accelerator(tmp_path)
    versal = replace(accelerator.manifest, device=find_part("vck190"))
    with pytest.raises(HardwareError, match=r"synthesis for xcvc1902.*: Yosys has no versal dev"):
        synthesize(replace(accelerator, manifest=versal), build_dir=tmp_path / "build")


def test_known_result_needs_no_yosys(tmp_path: Path) -> None:
    accelerator = _accelerator(tmp_path)
    first = synthesize(accelerator, build_dir=tmp_path / "build")
    again = synthesize(accelerator, build_dir=tmp_path / "build", timeout_s=0.001)
    assert again == first


def test_equal_layers_of_any_name_are_one_job(tmp_path: Path) -> None:
    jobs = []
    for name in ("Pad_1", "Pad_12"):
        memory = f"{name}/{name}.dat"
        (tmp_path / name).mkdir()
        (tmp_path / memory).write_text("1")
        source = tmp_path / f"{name}_top.sv"
        source.write_text(f'module {name}_top; initial $readmemh("{memory}", m); endmodule')
        jobs.append(
            SynthesisJob(
                top=f"{name}_top", sources=(source,), family="xc7", base_dir=tmp_path,
                memory=(memory,), instance=name,
            )
        )  # fmt: skip
    first, second = (job.plan() for job in jobs)
    assert first.digest == second.digest
    assert (first.subject, second.subject) == ("synthesis of Pad_1_top", "synthesis of Pad_12_top")


def test_a_name_that_only_begins_alike_stays(tmp_path: Path) -> None:
    source = tmp_path / "Pad_1.sv"
    source.write_text("module Pad_1; Pad_12 other(); My_Pad_1 more(); endmodule")
    job = SynthesisJob(top="Pad_1", sources=(source,), family="xc7", instance="Pad_1")
    (text,) = (v for k, v in job.plan().files.items() if k.startswith("sources/"))
    assert text == b"module layer_instance; Pad_12 other(); My_Pad_1 more(); endmodule"


_MIXED = """
module mixed(input logic clk, input logic [47:0] i, output logic [63:0] o);
  logic [17:0] deep [2048], shallow [32];
  logic [17:0] a, b;
  logic [7:0] count;
  always_ff @(posedge clk) begin
    if (i[0]) deep[i[11:1]] <= i[29:12];
    a <= deep[i[22:12]];
    if (i[1]) shallow[i[6:2]] <= i[29:12];
    count <= count + i[7:0];
    o <= {count, shallow[i[34:30]][7:0] ^ {8{i[35]}}, 36'($signed(a) * $signed(i[47:30]))};
  end
endmodule
"""


@pytest.mark.parametrize("part", [_PYNQ, _KV260])
def test_what_is_left_out_of_yosys_script_changes_no_count(part: Part, tmp_path: Path) -> None:
    (tmp_path / "mixed.sv").write_text(_MIXED)
    family = part.family.value
    plan = SynthesisJob(top="mixed", sources=(tmp_path / "mixed.sv",), family=family).plan()
    job = json.loads(plan.files["job.json"])
    *before, _, last = job["commands"]
    whole = f"synth_xilinx -family {family} -flatten -noiopad -noclkbuf"
    before = before[: before.index("read_verilog -lib -specify +/xilinx/cells_sim.v")]
    job["commands"] = [*before, whole, last]
    original = replace(plan, files={**plan.files, "job.json": json.dumps(job).encode()})
    store = BuildStore(tmp_path / "build")
    ours, theirs = (
        json.loads(store.build(p).path("cells.json").read_text())["design"]["num_cells_by_type"]
        for p in (plan, original)
    )
    assert ours == theirs
    kinds = " ".join(ours)
    assert all(kind in kinds for kind in ("RAMB36", "RAM32M", "DSP48", "CARRY", "LUT", "FDRE"))


_UNIT = """
module unit #(parameter SEGMENTLEN = 3.0) (
  input logic ap_clk, input logic ap_rst_n, input logic [63:0] w, input logic [15:0] a,
  input logic [2:0] go, output logic [95:0] p, output logic [2:0] went
);
  mvu_vvu_axi #(
    .IS_MVU(1), .VERSION({version}), .PUMPED_COMPUTE(0), .MW(8), .MH(8), .PE(8), .SIMD(2),
    .ACTIVATION_WIDTH(4), .WEIGHT_WIDTH(4), .ACCU_WIDTH(12), .NARROW_WEIGHTS(1),
    .SIGNED_ACTIVATIONS(0), .SEGMENTLEN(SEGMENTLEN)
  ) inst (
    .ap_clk, .ap_clk2x(ap_clk), .ap_rst_n,
    .s_axis_weights_tdata(w), .s_axis_weights_tvalid(go[0]), .s_axis_weights_tready(went[0]),
    .s_axis_input_tdata(a[7:0]), .s_axis_input_tvalid(go[1]), .s_axis_input_tready(went[1]),
    .m_axis_output_tdata(p), .m_axis_output_tvalid(went[2]), .m_axis_output_tready(go[2])
  );
endmodule
"""
_LAYER = """
module layer(
  input logic ap_clk, input logic ap_rst_n, input logic [63:0] w, input logic [15:0] a,
  input logic [2:0] go, output logic [95:0] p, output logic [2:0] went
);
  unit matrix_unit (.*);
endmodule
"""


@pytest.mark.parametrize(("part", "version"), [(_PYNQ, 1), (_KV260, 2)])
def test_matrix_unit_takes_the_dsps_that_finn_expects(
    part: Part, version: int, tmp_path: Path
) -> None:
    (tmp_path / "unit.sv").write_text(_UNIT.replace("{version}", str(version)))
    (tmp_path / "layer.sv").write_text(_LAYER)
    library = Path(finn.__file__).parent / "finn-rtllib" / "mvu"
    names = ("mvu_pkg", "mvu_vvu_axi", "replay_buffer", "mvu", "mvu_vvu_8sx9_dsp58")
    sources = [library / f"{name}.sv" for name in names]
    sources += [Path(hw.__file__).parent / "rtl/synth/add_multi.sv"]
    sources += [tmp_path / "unit.sv", tmp_path / "layer.sv"]
    job = SynthesisJob(
        top="layer", sources=tuple(sources), family=part.family.value, cores=("unit",)
    )
    found = run_job(job, BuildStore(tmp_path / "build"))
    assert found.dsp == 4  # ceil(PE / 4) * SIMD
    assert found.ff > 100
