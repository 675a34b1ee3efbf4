# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""FIFO depths from simulation: full throughput from as little memory as a time budget allows.

A FIFO has to hold what piles up while frames arrive at the pace of the slowest layer, no more. So
the simulation with deep FIFOs gives the initiation interval, and a second one, with the input
spread evenly over that interval, gives the most that each FIFO ever holds: with these depths no
FIFO ever blocks a layer. Deeper FIFOs and earlier input never make any beat later, so the interval
stays when the input comes as fast as it can; a third simulation proves it. From there depths only
fall, where that saves LUTs or block RAM, and only to depths of which a simulation has shown that
they keep the interval. The layers' timing does not depend on the data: a few images are enough.
"""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hw.accelerator import Accelerator
from hw.errors import HardwareError
from hw.verilator._fifo_steps import cheaper_depths
from hw.verilator._sim_top import storage_depth
from hw.verilator.simulation import Simulation, SimulationResult, Traffic

__all__ = ["FifoSizing", "measure_fifo_depths", "size_fifos"]

_LEAST_FRAMES = 6
_MOST_FRAMES = 48
_STEADY_FRAMES = 4  # after as many frames as are under way at once
_MIN_DEPTH = 2  # FINN's least; it holds five beats all the same
_HELD_BY_LEAST = 5

_Depths = dict[str, int]


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

    depths: _Depths
    interval_cycles: float
    default_interval_cycles: float | None
    simulations: int
    simulated_cycles: int


def measure_fifo_depths(
    accelerator: Accelerator,
    images: NDArray[np.uint8],
    *,
    build_dir: Path,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, int]:
    """Return the depths that `size_fifos` finds; same arguments and errors."""
    return size_fifos(accelerator, images, build_dir=build_dir, progress=progress).depths


def size_fifos(
    accelerator: Accelerator,
    images: NDArray[np.uint8],
    *,
    build_dir: Path,
    progress: Callable[[int, int], None] | None = None,
    budget_s: float = 90.0,
) -> FifoSizing:
    """Return, for each FIFO, a depth in beats with which the initiation interval is the least.

    Args:
        accelerator: with FIFOs of any depth; their depths are set at run time.
        images: uint8[N, H, W, C]; repeated or left out, so that there are frames enough.
        build_dir: where compiled simulations are kept; the program serves any depth later on.
        progress: called with the frames simulated so far, and 0: how many it takes is not known.
        budget_s: time after which no further FIFO is made smaller.

    Raises:
        HardwareError: images of another size, a tool that fails, or no depth that keeps the
            interval.
    """
    bench = _Bench(Simulation(accelerator, build_dir=build_dir), images, progress)
    fifos = accelerator.manifest.fifos
    deep = {fifo.name: storage_depth(fifo) for fifo in fifos}
    bench.choose_frames(deep)
    limit = bench.interval(deep)
    paced = bench.run(deep, Traffic(frame_cycles=math.ceil(limit)))
    safe = _deepen(bench, _from_marks(paced.fifo_high_water), deep, limit)
    depths = _shrink(bench, safe, limit, budget_s)
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


@dataclass
class _Bench:
    """One compiled simulation with its images."""

    simulation: Simulation
    images: NDArray[np.uint8]
    progress: Callable[[int, int], None] | None
    frames: int = 2
    frames_done: int = 0
    simulations: int = 0
    cycles: int = 0

    def choose_frames(self, deep: Mapping[str, int]) -> None:
        """Take enough frames for a steady state: more than are ever under way at once."""
        first = self.run(deep, Traffic())
        interval = max(self.simulation.accelerator.manifest.cycles_per_frame_predicted, 1)
        frames = math.ceil(first.latency_cycles / interval) + _STEADY_FRAMES
        self.frames = min(max(_LEAST_FRAMES, frames), _MOST_FRAMES)

    def run(self, depths: Mapping[str, int], traffic: Traffic) -> SimulationResult:
        images = np.resize(self.images, (self.frames, *self.images.shape[1:]))
        result = self.simulation.run(images, traffic=traffic, fifo_depths=depths)
        self.frames_done += len(images)
        self.simulations += 1
        self.cycles += result.cycles_total
        if self.progress:
            self.progress(self.frames_done, 0)
        return result

    def interval(self, depths: Mapping[str, int]) -> float:
        """Return the initiation interval when the input comes as fast as it can."""
        return self.run(depths, Traffic()).initiation_interval_cycles

    def keeps(self, depths: Mapping[str, int], limit: float) -> bool:
        """Whether the initiation interval is at most `limit`; a deadlock is longer than any."""
        try:
            return self.interval(depths) <= limit
        except HardwareError as error:
            if "stalled" not in str(error):
                raise
            return False


def _from_marks(marks: Mapping[str, int]) -> _Depths:
    return {n: mark if mark > _HELD_BY_LEAST else _MIN_DEPTH for n, mark in marks.items()}


def _default_interval(bench: _Bench) -> float | None:
    fifos = bench.simulation.accelerator.manifest.fifos
    try:
        return bench.interval({fifo.name: fifo.depth_default for fifo in fifos})
    except HardwareError:
        return None


def _deepen(bench: _Bench, depths: _Depths, deep: Mapping[str, int], limit: float) -> _Depths:
    """Double all depths until the interval is no longer than the limit."""
    while not bench.keeps(depths, limit):
        if depths == deep:
            name = bench.simulation.accelerator.manifest.name
            raise HardwareError(
                f"FIFO sizing of {name}: the initiation interval is longer than {limit:g} cycles "
                "even with the deepest FIFOs; report this network"
            )
        depths = {name: min(2 * depth, deep[name]) for name, depth in depths.items()}
    return depths


def _shrink(bench: _Bench, depths: _Depths, limit: float, budget_s: float) -> _Depths:
    """Bisect, for all FIFOs at once, the depths that cost less."""
    manifest = bench.simulation.accelerator.manifest
    steps = {f.name: cheaper_depths(f, depths[f.name], manifest.part) for f in manifest.fifos}
    # The smallest depth that may do, and the smallest that will, as indices into the steps.
    low = dict.fromkeys(steps, 0)
    high = {name: len(smaller) for name, smaller in steps.items()}
    search = _Search(bench, depths, limit, time.perf_counter() + budget_s)
    while open_fifos := [name for name in steps if low[name] < high[name]]:
        middle = {name: (low[name] + high[name]) // 2 for name in open_fifos}
        wanted = {name: steps[name][middle[name]] for name in open_fifos}
        search.lower(wanted)
        if search.exhausted:
            break
        for name, index in middle.items():
            if search.depths[name] == wanted[name]:
                high[name] = index
            else:
                low[name] = index + 1
    return search.depths


@dataclass
class _Search:
    """Depths that keep the interval, and the time until they may still change."""

    bench: _Bench
    depths: _Depths
    limit: float
    deadline: float

    @property
    def exhausted(self) -> bool:
        """Whether the time is over."""
        return time.perf_counter() > self.deadline

    def lower(self, wanted: _Depths) -> None:
        """Lower all FIFOs to their wanted depths, or else those of each half that can be."""
        if self.exhausted or not wanted:
            return
        if self.bench.keeps(self.depths | wanted, self.limit):
            self.depths = self.depths | wanted
        elif len(wanted) > 1:
            names = list(wanted)
            for half in (names[: len(names) // 2], names[len(names) // 2 :]):
                self.lower({name: wanted[name] for name in half})
