# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Memories that nobody gave a place, beside where Yosys puts them: on both sides of each limit."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import finn
import pytest

from hw.build import BuildStore
from hw.layers.cores import core_sources
from hw.layers.written_memory import written_memory
from hw.synth.resources import Resources, count_cells
from hw.synth.yosys import SynthesisJob

_PARTS = {"xc7": "xc7z020clg400-1", "xcup": "xck26-sfvc784-2LV-c"}
_FINN = Path(finn.__file__).parent / "finn-rtllib" / "mvu" / "replay_buffer.sv"
_PINS = {
    "mvu_replay": (
        "#(.Length({words}), .Repeats(3), .Width({width}))",
        ".clk_i(clk), .rst_ni(rst), .valid_i({name}_vi), .ready_o({name}_ri), .data_i({name}_di), "
        ".valid_o({name}_vo), .ready_i({name}_ro), .data_o({name}_do), .first_o(), .last_o()",
    ),
    "replay_buffer": (
        "#(.LEN({words}), .REP(3), .W({width}))",
        ".clk, .rst, .ivld({name}_vi), .irdy({name}_ri), .idat({name}_di), .ovld({name}_vo), "
        ".ordy({name}_ro), .odat({name}_do), .olast(), .ofin()",
    ),
    "stream_repeat": (
        "#(.Block({words}), .Times(3), .Bits({width}))",
        ".clk_i(clk), .rst_ni(rst), .in_valid_i({name}_vi), .in_ready_o({name}_ri), "
        ".in_data_i({name}_di), .out_valid_o({name}_vo), .out_ready_i({name}_ro), "
        ".out_data_o({name}_do)",
    ),
}


@dataclass(frozen=True)
class Memory:
    words: int
    width: int
    core: str = "mvu_replay"

    @property
    def name(self) -> str:
        return f"{self.core}_{self.words}_{self.width}"


MEMORIES = (
    *(Memory(2, 2), Memory(2, 4), Memory(16, 7), Memory(64, 40), Memory(128, 21), Memory(128, 22)),
    *(Memory(256, 10), Memory(256, 11), Memory(512, 4), Memory(512, 5), Memory(512, 37)),
    *(Memory(1024, 2), Memory(1024, 3), Memory(1024, 19), Memory(2048, 1), Memory(2048, 28)),
    *(Memory(512, 4, "replay_buffer"), Memory(512, 8, "replay_buffer")),
    *(Memory(100, 20, "stream_repeat"), Memory(130, 20, "stream_repeat")),
)


@pytest.fixture(scope="module")
def synthesized(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Mapping[str, Resources]]:
    """What Yosys counts of each, in one run a family."""
    return {family: _counted(family, tmp_path_factory.mktemp(family)) for family in _PARTS}


def _counted(family: str, folder: Path) -> Mapping[str, Resources]:
    (folder / "all.sv").write_text(_side_by_side())
    cores = core_sources("mvu_replay", "stream_repeat")
    job = SynthesisJob(top="all", sources=(*cores, _FINN, folder / "all.sv"), family=family)
    placed = {one.name: f"{one.core}$all.{one.name}" for one in MEMORIES}
    products = BuildStore(folder).build(job.netlist_plan(tuple(placed.values())))
    modules = json.loads(products.path("cells.json").read_text())["modules"]
    return {
        name: count_cells(modules[f"\\{module}"]["num_cells_by_type"], name)
        for name, module in placed.items()
    }


def _side_by_side() -> str:
    ports, cells = ["input logic clk", "input logic rst"], []
    for one in MEMORIES:
        name, wide = one.name, f"[{one.width - 1}:0]"
        ports += [f"input logic {name}_{pin}" for pin in ("vi", "ro")]
        ports += [f"output logic {name}_{pin}" for pin in ("vo", "ri")]
        ports += [f"input logic {wide} {name}_di", f"output logic {wide} {name}_do"]
        values, pins = (text.format(**vars(one), name=name) for text in _PINS[one.core])
        cells.append(f"  {one.core} {values} {name} ({pins});")
    listed = ",\n  ".join(ports)
    return f"module all (\n  {listed}\n);\n" + "\n".join(cells) + "\nendmodule\n"


@pytest.mark.slow
@pytest.mark.parametrize("family", _PARTS)
@pytest.mark.parametrize("memory", MEMORIES, ids=lambda one: one.name)
def test_a_memory_is_where_yosys_puts_it(
    memory: Memory, family: str, synthesized: Mapping[str, Mapping[str, Resources]]
) -> None:
    found = synthesized[family][memory.name]
    expected = written_memory(memory.words, memory.width, _PARTS[family])
    assert (expected.bram36, expected.lut) == (found.bram36, found.lut_memory)


def test_a_part_without_a_rule_is_taken_for_a_series_7() -> None:
    like = written_memory(512, 5, "xc7z020clg400-1")
    assert written_memory(512, 5, "xc7a999t") == like
    assert like.bram36 == 0.5
