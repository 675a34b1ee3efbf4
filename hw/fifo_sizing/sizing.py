# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""FIFO depths from simulation: full throughput from as little memory as a budget of cycles allows.

A FIFO has to hold what piles up while frames arrive at the pace of the slowest layer, no more. So
the simulation with deep FIFOs gives the initiation interval, and a second one, with the input
spread evenly over that interval, gives the most that each FIFO ever holds: with these depths no
FIFO ever blocks a layer. Deeper FIFOs and earlier input never make any beat later, so the interval
stays when the input comes as fast as it can; a third simulation proves it. From there depths only
fall, where that saves LUTs or block RAM, and only to depths of which a simulation has shown that
they keep the interval. The layers' timing does not depend on the data: a few images are enough.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hw.accelerator import Accelerator
from hw.errors import HardwareError
from hw.fifo_sizing._bench import Bench, capacity
from hw.fifo_sizing._search import shrink
from hw.verilator.sim_top import storage_depth
from hw.verilator.simulation import Simulation, Stall, Traffic

__all__ = ["BUDGET_CYCLES", "FifoSizing", "size_fifos"]

BUDGET_CYCLES = 100_000_000  # of simulation; CNV of 4 bits does half a million a second
_MIN_DEPTH = 2  # FINN's least


@dataclass(frozen=True, kw_only=True)
class FifoSizing:
    """FIFO depths, and what simulation has shown of them.

    Attributes:
        depths: FIFO name -> beats.
        interval_cycles: between frames with these depths; with deeper ones it is no shorter.
        default_interval_cycles: with FINN's default depths; None if they end in a deadlock.
        simulations: how many it took.
        simulated_cycles: of all of them.
    """

    depths: dict[str, int]
    interval_cycles: float
    default_interval_cycles: float | None
    simulations: int
    simulated_cycles: int


def size_fifos(
    accelerator: Accelerator,
    images: NDArray[np.uint8],
    *,
    build_dir: Path,
    progress: Callable[[int, int], None] | None = None,
    budget_cycles: int = BUDGET_CYCLES,
    optimize: bool = True,
) -> FifoSizing:
    """Return, for each FIFO, a depth in beats with which the initiation interval is the least.

    Args:
        accelerator: with FIFOs of any depth; their depths are set at run time.
        images: uint8[N, H, W, C]; repeated or left out, so that there are frames enough.
        build_dir: where compiled simulations are kept; the program serves any depth later on.
        progress: called with the frames simulated so far, and 0: how many it takes is not known.
        budget_cycles: of simulation, after which no further FIFO is made smaller: not a time, so
            that equal inputs give equal depths on any machine.
        optimize: of the simulation; see Simulation.

    Raises:
        HardwareError: images of another size, a tool that fails, or no depth that keeps the
            interval.
    """
    simulation = Simulation(accelerator, build_dir=build_dir, optimize=optimize)
    bench = Bench(simulation, images, progress)
    deep = {fifo.name: storage_depth(fifo) for fifo in accelerator.manifest.fifos}
    bench.prepare(deep)
    limit = bench.interval(deep)
    pace = math.ceil(limit)
    marks = bench.run(deep, Traffic(frame_cycles=pace)).fifo_high_water
    safe = _deepen(bench, _from_marks(marks), deep, limit)
    depths = shrink(bench, safe, pace, budget_cycles)
    default = _default_interval(bench)
    bench.frames *= 2
    if (found := bench.interval(depths)) > limit:  # only later than all the others ran
        depths, found = safe, bench.interval(safe)
    return FifoSizing(
        depths=depths,
        interval_cycles=found,
        default_interval_cycles=default,
        simulations=bench.simulations,
        simulated_cycles=bench.cycles,
    )


def _from_marks(marks: Mapping[str, int]) -> dict[str, int]:
    return {n: mark if mark > capacity(_MIN_DEPTH) else _MIN_DEPTH for n, mark in marks.items()}


def _default_interval(bench: Bench) -> float | None:
    fifos = bench.simulation.accelerator.manifest.fifos
    try:
        return bench.interval({fifo.name: fifo.depth_default for fifo in fifos})
    except Stall:
        return None


def _deepen(
    bench: Bench, depths: dict[str, int], deep: Mapping[str, int], limit: float
) -> dict[str, int]:
    """Double all depths until the interval is no longer than the limit."""
    while (found := bench.interval(depths)) > limit:
        if depths == deep:
            name = bench.simulation.accelerator.manifest.name
            raise HardwareError(
                f"FIFO sizing of {name}: the initiation interval is {found:g} cycles, not "
                f"{limit:g}, even with the deepest FIFOs; report this network"
            )
        depths = {name: min(2 * depth, deep[name]) for name, depth in depths.items()}
    return depths
