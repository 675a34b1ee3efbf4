# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""FIFO depths from simulation: as shallow as full throughput allows.

A FIFO has to hold what piles up while frames arrive at the pace of the slowest layer, no more. So
the simulation with deep FIFOs gives the initiation interval; a second one, with the input spread
evenly over that interval, gives the most that each FIFO ever holds; and a last one proves that
these depths keep the interval when the input comes as fast as it can. The layers' timing does not
depend on the data, so a few images are enough.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hw.accelerator import Accelerator
from hw.errors import HardwareError
from hw.verilator._sim_top import storage_depth
from hw.verilator.simulation import Simulation, SimulationResult, Traffic

__all__ = ["measure_fifo_depths"]

_FRAMES = 12
_MIN_DEPTH = 2  # FINN's least; it holds five beats all the same
# Depths at which FINN's FIFO needs another memory: below the first one, a LUT a bit.
_STEPS = (33, 65, 129, 257, 513, 1025, 2049)


def measure_fifo_depths(
    accelerator: Accelerator,
    images: NDArray[np.uint8],
    *,
    build_dir: Path,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, int]:
    """Return, for each FIFO, a depth in beats with which the initiation interval is the least.

    Args:
        accelerator: with FIFOs of any depth; their depths are set at run time.
        images: uint8[N, H, W, C]; the first 12 are simulated, fewer are repeated.
        build_dir: where compiled simulations are kept; the program serves any depth later on.
        progress: called with the frames simulated so far, and 0: how many it takes is not known.

    Raises:
        HardwareError: images of another size, a tool that fails, or no depth that keeps the
            interval.
    """
    bench = _Bench(Simulation(accelerator, build_dir=build_dir), images, progress)
    deep = {fifo.name: storage_depth(fifo) for fifo in accelerator.manifest.fifos}
    limit = bench.interval(deep)
    paced = bench.run(deep, Traffic(frame_cycles=math.ceil(limit)))
    depths = {n: max(_MIN_DEPTH, mark) for n, mark in paced.fifo_high_water.items()}
    depths = _deepen(bench, depths, deep, limit)
    return _shrink(bench, depths, limit)


@dataclass
class _Bench:
    """One compiled simulation with its images."""

    simulation: Simulation
    images: NDArray[np.uint8]
    progress: Callable[[int, int], None] | None
    frames: int = 0

    def run(self, depths: Mapping[str, int], traffic: Traffic) -> SimulationResult:
        images = np.resize(self.images, (_FRAMES, *self.images.shape[1:]))
        result = self.simulation.run(images, traffic=traffic, fifo_depths=depths)
        self.frames += len(images)
        if self.progress:
            self.progress(self.frames, 0)
        return result

    def interval(self, depths: Mapping[str, int]) -> float:
        """Return the initiation interval when the input comes as fast as it can."""
        return self.run(depths, Traffic()).initiation_interval_cycles


def _deepen(
    bench: _Bench, depths: dict[str, int], deep: Mapping[str, int], limit: float
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


def _shrink(bench: _Bench, depths: dict[str, int], limit: float) -> dict[str, int]:
    """Take each FIFO to the smallest memory that keeps the interval, the largest FIFO first."""
    width = {fifo.name: fifo.width_bits for fifo in bench.simulation.accelerator.manifest.fifos}
    for name in sorted(depths, key=lambda name: -depths[name] * width[name]):
        for smaller in (step for step in _STEPS if step < depths[name]):
            if bench.interval(depths | {name: smaller}) <= limit:
                depths = depths | {name: smaller}
                break
    return depths
