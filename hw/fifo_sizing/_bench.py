# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What a simulation says of a choice of FIFO depths."""

import math
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hw.verilator.simulation import Simulation, SimulationResult, Stall, Traffic

__all__ = ["Bench", "capacity"]

_LEAST_FRAMES = 6
_MOST_FRAMES = 48
_STEADY_FRAMES = 4  # after as many frames as are under way at once


def capacity(depth: int) -> int:
    """Return the beats that FINN's FIFO holds: its shift registers have four stages at least."""
    return max(depth, 5)


@dataclass
class Bench:
    """One compiled simulation with its images; counts what it simulates."""

    simulation: Simulation
    images: NDArray[np.uint8]  # [N, H, W, C], repeated or left out
    progress: Callable[[int, int], None] | None = None
    frames: int = 2
    watchdog_cycles: int = 0
    frames_done: int = 0
    simulations: int = 0
    cycles: int = 0

    def prepare(self, deep: Mapping[str, int]) -> None:
        """Take enough frames for a steady state: more than are ever under way at once."""
        manifest = self.simulation.accelerator.manifest
        latency = self.run(deep, Traffic()).latency_cycles
        frames = math.ceil(latency / max(manifest.cycles_per_frame_predicted, 1)) + _STEADY_FRAMES
        self.frames = min(max(_LEAST_FRAMES, frames), _MOST_FRAMES)
        self.watchdog_cycles = 2 * (latency + manifest.cycles_per_frame_predicted) + 1000

    def run(self, depths: Mapping[str, int], traffic: Traffic) -> SimulationResult:
        """Simulate all frames."""
        result = self._simulate(depths, traffic)
        self._count(result)
        return result

    def interval(self, depths: Mapping[str, int]) -> float:
        """Return the initiation interval when the input comes as fast as it can."""
        return self.run(depths, Traffic()).initiation_interval_cycles

    def blockers(
        self, trials: Sequence[Mapping[str, int]], frame_cycles: int
    ) -> list[frozenset[str] | None]:
        """Simulate input at the pace of a frame in `frame_cycles`, with several choices of depths.

        Returns:
            For each choice None if the output keeps pace. Otherwise the FIFOs that have been full,
            among which are those that are too shallow; in a deadlock the one that is the cause.
        """

        def simulate(depths: Mapping[str, int]) -> SimulationResult | Stall:
            try:
                return self._simulate(depths, Traffic(frame_cycles=frame_cycles))
            except Stall as stall:
                return stall

        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            results = list(pool.map(simulate, trials))
        found: list[frozenset[str] | None] = []
        for depths, result in zip(trials, results, strict=True):
            self._count(result)
            found.append(_blockers(result, depths, frame_cycles))
        return found

    def _simulate(self, depths: Mapping[str, int], traffic: Traffic) -> SimulationResult:
        return self.simulation.run(
            np.resize(self.images, (self.frames, *self.images.shape[1:])),
            traffic=traffic,
            fifo_depths=depths,
            watchdog_cycles=self.watchdog_cycles + 2 * traffic.frame_cycles,
        )

    def _count(self, result: SimulationResult | Stall) -> None:
        self.simulations += 1
        if isinstance(result, SimulationResult):
            self.frames_done += len(result.frame_cycles)
            self.cycles += result.cycles_total
            if self.progress:
                self.progress(self.frames_done, 0)


def _blockers(
    result: SimulationResult | Stall, depths: Mapping[str, int], frame_cycles: int
) -> frozenset[str] | None:
    if isinstance(result, Stall):
        return frozenset([result.fifo])
    if result.initiation_interval_cycles <= frame_cycles:
        return None
    marks = result.fifo_high_water
    return frozenset(name for name in marks if marks[name] >= capacity(depths[name]))
