# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The clock of an accelerator: what limits it, what helps there, and what flip-flops change."""

from pathlib import Path

import numpy as np
import pytest

from flow.compile import compile_network
from flow.compile.clock import timing_table
from flow.compile.network import CompiledNetwork
from flow.config import CompileConfig
from flow.integer import Dense, Flatten, IntegerNetwork, Operation, Threshold
from hw.synth.timing import LayerTiming
from hw.verilator.simulation import Simulation


def _path(name: str, source: str, delay_ns: float) -> LayerTiming:
    return LayerTiming(
        name=name, source=source, levels=3, delay_ns=delay_ns, logic_ns=1, fan_out=9, registers=5
    )


@pytest.mark.parametrize(
    ("name", "source", "said"),
    [
        ("MVAU_0", "FIFO_1", "crosses the seam of FIFO_1 and MVAU_0: fold it more"),
        ("MVAU_0", "MVAU_0", "inside of MVAU_0: fold it more"),
        ("shell", "shell", "inside of shell, which is the same for all: lower the clock"),
    ],
)
def test_what_helps_where_the_clock_is_missed(name: str, source: str, said: str) -> None:
    lines = timing_table([_path(name, source, 12.5), _path("Pool_0", "Pool_0", 5)], asked_mhz=120)
    assert lines[-2] == f"{name} limits the clock: about 80 MHz before placement, 120 MHz asked for"
    assert said in lines[-1]


def test_what_helps_where_nothing_is_registered_yet() -> None:
    lines = timing_table([_path("MVAU_0", "FIFO_1", 12.5)], asked_mhz=100)
    assert "crosses the seam of FIFO_1 and MVAU_0: compile with --clock-mhz above 100" in lines[-1]


def test_a_clock_that_is_met_needs_no_help() -> None:
    lines = timing_table([_path("MVAU_0", "FIFO_1", 8)], asked_mhz=100)
    assert lines[-1].startswith("MVAU_0 limits the clock: about 125 MHz")


def _perceptron() -> IntegerNetwork:
    rng = np.random.default_rng(5)
    rows = np.sort(rng.integers(-900, 900, (12, 3)), axis=1)
    operations: tuple[Operation, ...] = (
        Flatten(name="flat"),
        Dense(name="first", weights=rng.integers(-2, 2, (16, 12))),
        Threshold(name="bits", inputs=("first",), thresholds=rows, offset=0),
        Dense(name="last", weights=rng.integers(-2, 2, (12, 4))),
    )
    return IntegerNetwork(operations, (4, 4, 1), 1.0)


@pytest.mark.slow
def test_a_fast_clock_registers_what_limits_it_and_changes_no_logit(tmp_path: Path) -> None:
    network = _perceptron()

    def compiled(clock_mhz: float) -> CompiledNetwork:
        folder = tmp_path / f"{clock_mhz:g}"
        folder.mkdir()
        rate = clock_mhz * 1e6 / 48  # 48 cycles a frame at any clock
        config = CompileConfig(clock_mhz=clock_mhz, target_fps=rate)
        places = {"scratch": folder / "work", "build_dir": tmp_path / "verilator"}
        return compile_network(network, config, folder, name="net", **places)

    plain, fast = compiled(100), compiled(160)
    assert (_registered(plain), plain.clock) == (0, ())
    assert _registered(fast) == 2  # both matrix units
    assert "limits the clock: about" in fast.clock[0]
    images = np.random.default_rng(1).integers(0, 256, (40, 4, 4, 1), dtype=np.uint8)
    images[::2] = 255 * (images[::2] > 127)
    runs = [
        Simulation(c.accelerator, build_dir=tmp_path / "verilator").run(images)
        for c in (plain, fast)
    ]
    for run in runs:
        np.testing.assert_array_equal(run.logits, network.logits(images))
    assert len(np.unique(runs[0].logits, axis=0)) > 20
    manifests = [c.accelerator.manifest for c in (plain, fast)]
    assert [m.cycles_measured for m in manifests] == [
        m.cycles_per_frame_predicted for m in manifests
    ]
    assert manifests[0].cycles_measured == manifests[1].cycles_measured


def _registered(compiled: CompiledNetwork) -> int:
    sources = compiled.accelerator.folder.glob("rtl/layers/*/*_wrapper.v")
    return sum(".Registered(1)" in path.read_text() for path in sources)
