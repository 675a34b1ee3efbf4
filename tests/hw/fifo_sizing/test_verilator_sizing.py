# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""FIFO sizing: what it proves, where it saves, and when it stops."""

import time
from collections.abc import Mapping
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from forked_network import Forked
from numpy.typing import NDArray

from hw.accelerator import Accelerator, Estimate, Fifo
from hw.errors import HardwareError
from hw.fifo_sizing._bench import Bench
from hw.fifo_sizing._steps import cheaper_depths, fifo_cost
from hw.fifo_sizing.sizing import BUDGET_CYCLES, FifoSizing, _deepen, size_fifos
from hw.stitch.stitching import with_fifo_depths
from hw.verilator.sim_top import storage_depth
from hw.verilator.simulation import Simulation

PART = "xc7z020clg400-1"


def _fifo(width_bits: int, beats_per_frame: int = 100) -> Fifo:
    return Fifo(
        name="F",
        depth=2,
        width_bits=width_bits,
        ram_style="auto",
        beats_per_frame=beats_per_frame,
        estimate=Estimate(lut=0, dsp=0, bram18=0),
    )


@pytest.mark.parametrize("width_bits", [1, 8, 64])
@pytest.mark.parametrize("depth", [2, 3, 20, 33, 34, 100, 300, 5000])
def test_every_step_costs_less_than_the_next(width_bits: int, depth: int) -> None:
    fifo = _fifo(width_bits)
    steps = [*cheaper_depths(fifo, depth, PART), depth]
    costs = [fifo_cost(fifo, step, PART) for step in steps]
    assert steps == sorted(set(steps))
    assert costs == sorted(set(costs))


def test_deep_fifos_of_a_zynq_are_counted_in_block_ram() -> None:
    assert fifo_cost(_fifo(64), 4000, PART) > 8 * 190
    assert fifo_cost(_fifo(64), 4000, "xczu7ev-ffvc1156-2-e") < 190  # UltraRAM


@pytest.mark.parametrize(
    ("beats", "depth", "stored"), [(10, 2, 64), (900, 2, 3600), (10**6, 2, 65536), (10, 99, 99)]
)
def test_simulation_holds_some_frames_or_the_depth(beats: int, depth: int, stored: int) -> None:
    assert storage_depth(replace(_fifo(8, beats), depth=depth)) == stored


@pytest.mark.slow
def test_no_budget_gives_depths_with_which_no_layer_is_ever_blocked(
    forked: Forked, build_dir: Path
) -> None:
    accelerator = forked.accelerators[0]
    first, last = (
        size_fifos(accelerator, forked.images[:2], build_dir=build_dir, budget_cycles=cycles)
        for cycles in (0, BUDGET_CYCLES)
    )
    predicted = accelerator.manifest.cycles_per_frame_predicted
    assert first.interval_cycles == last.interval_cycles == predicted
    assert _cost(accelerator, last.depths) < _cost(accelerator, first.depths)
    assert first.simulations < last.simulations


@pytest.mark.slow
@pytest.mark.parametrize("budget_cycles", [100, BUDGET_CYCLES])  # the first ends before it is done
def test_sizing_does_not_depend_on_how_long_a_simulation_takes(
    forked: Forked, build_dir: Path, monkeypatch: pytest.MonkeyPatch, budget_cycles: int
) -> None:
    def sized() -> FifoSizing:
        images = forked.images[:2]
        return size_fifos(
            forked.accelerators[0], images, build_dir=build_dir, budget_cycles=budget_cycles
        )

    found = sized()
    hours = count(step=3600)
    for clock in ("time", "monotonic", "perf_counter"):
        monkeypatch.setattr(time, clock, lambda: float(next(hours)))
    assert sized() == found


def _cost(accelerator: Accelerator, depths: Mapping[str, int]) -> float:
    return sum(fifo_cost(f, depths[f.name], PART) for f in accelerator.manifest.fifos)


@pytest.mark.slow
def test_sizing_does_not_depend_on_the_images(forked: Forked, build_dir: Path) -> None:
    accelerator = forked.accelerators[0]
    found = [
        size_fifos(accelerator, images, build_dir=build_dir).depths
        for images in (forked.images[:1], np.zeros_like(forked.images))
    ]
    assert found[0] == found[1]


@pytest.mark.slow
def test_sized_accelerator_says_what_was_measured(
    forked: Forked, build_dir: Path, tmp_path: Path
) -> None:
    accelerator = forked.accelerators[0]
    sizing = size_fifos(accelerator, forked.images, build_dir=build_dir)
    sized = with_fifo_depths(
        accelerator, sizing.depths, tmp_path / "sized", cycles_measured=sizing.interval_cycles
    ).manifest
    assert accelerator.manifest.cycles_measured is None
    assert sized.cycles_measured == sized.cycles_per_frame_predicted
    assert sized.fifo_bits == sum(sizing.depths[f.name] * f.width_bits for f in sized.fifos)
    assert sized.fifo_bits_default == accelerator.manifest.fifo_bits < sized.fifo_bits


@pytest.mark.slow
def test_interval_that_no_depth_reaches_is_refused(
    accelerators: Mapping[str, Accelerator], images: NDArray[np.uint8], build_dir: Path
) -> None:
    accelerator = accelerators["parallel"]
    bench = Bench(Simulation(accelerator, build_dir=build_dir), images, frames=4)
    deep = {fifo.name: storage_depth(fifo) for fifo in accelerator.manifest.fifos}
    shallow = dict.fromkeys(deep, 33)
    with pytest.raises(HardwareError, match=r"of rgb: .* cycles, not 1, even with the deepest"):
        _deepen(bench, shallow, deep, 1.0)
