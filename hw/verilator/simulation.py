# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Images through an accelerator's RTL, cycle by cycle: logits and when they came."""

import math
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hw.accelerator import Accelerator, Manifest
from hw.accelerator.packing import pack_images
from hw.errors import HardwareError
from hw.verilator._build import plan_build, run_build
from hw.verilator._process import ProcessResult, Waveforms, run_program
from hw.verilator._stall import Stall
from hw.verilator.sim_top import storage_depth

__all__ = ["Simulation", "SimulationResult", "Stall", "Traffic", "Waveforms", "joined"]

_WAVES = ("fst", "vcd")


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """How the world outside treats the two streams.

    Attributes:
        frame_cycles: cycles over which the beats of a frame are offered evenly; 0 offers each
            as soon as the one before is taken.
        stall_input: probability that no beat is offered in a cycle.
        stall_output: probability that no beat is taken in a cycle.
        seed: of the stalls.
    """

    frame_cycles: int = 0
    stall_input: float = 0.0
    stall_output: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not (0 <= self.stall_input <= 1 and 0 <= self.stall_output <= 1):
            raise HardwareError(
                f"traffic: stall probabilities {self.stall_input} and {self.stall_output} are "
                "not between 0 and 1; give fractions"
            )


@dataclass(frozen=True, kw_only=True)
class SimulationResult:
    """Logits and timing of a set of images; cycles count from the end of the reset.

    With several processes each has a reset of its own, so cycles start anew where the images of
    the next one begin.
    """

    logits: NDArray[np.int32]  # [N, K]; [N, 1] labels where these are the accelerator's output
    frame_cycles: NDArray[np.int64]  # [N] the cycle of each frame's last output beat
    first_input_cycle: int  # the cycle of the first input beat
    cycles_total: int  # of all processes
    fifo_high_water: dict[str, int] = field(default_factory=dict)  # FIFO name -> beats
    wall_s: float
    frames_first: int = 0  # images of the first process; 0 for all of them

    @property
    def latency_cycles(self) -> int:
        """Cycles from the first input beat to the first frame's last output beat."""
        return int(self.frame_cycles[0]) - self.first_input_cycle

    @property
    def initiation_interval_cycles(self) -> float:
        """Mean cycles between the last output beats of successive frames; NaN for one frame.

        Taken over the second half of the first process' frames, (t[N-1] - t[h]) / (N-1 - h) with
        h = (N-1) // 2: while the FIFOs fill, the first frames come faster than later ones can.
        """
        cycles = self.frame_cycles[: self.frames_first or None]
        half = cycles[(len(cycles) - 1) // 2 :]
        return float(half[-1] - half[0]) / (len(half) - 1) if len(half) > 1 else math.nan

    @property
    def cycles_per_second(self) -> float:
        """Simulated cycles in a second of wall time."""
        return self.cycles_total / self.wall_s


class Simulation:
    """A verilated accelerator; the program is compiled on first use and kept in build_dir.

    Args:
        accelerator: what is simulated.
        build_dir: where compiled programs are kept, by digest; can be shared by accelerators.
        progress: called with the number of frames done, a few times a second.
        processes: among which the images are divided, at least 1.
        optimize: False where compiling takes longer than running: a few frames of small networks.
    """

    def __init__(
        self,
        accelerator: Accelerator,
        *,
        build_dir: Path | str,
        progress: Callable[[int], None] | None = None,
        processes: int = 1,
        optimize: bool = True,
    ) -> None:
        if processes < 1:
            raise HardwareError(f"simulation: {processes} processes; give at least 1")
        self.accelerator = accelerator
        self.build_dir = Path(build_dir)
        self.progress = progress or (lambda _: None)
        self.processes = processes
        self.optimize = optimize

    def build(self, waves: str = "") -> Path:
        """Return the simulation program; compile it if no earlier build can be used.

        Args:
            waves: "fst" or "vcd" for a program that can write waveforms.

        Raises:
            HardwareError: g++ is missing, or one of the tools failed.
        """
        return run_build(
            plan_build(self.accelerator, waves, optimize=self.optimize), self.build_dir
        )

    def run(
        self,
        images: NDArray[np.uint8],
        *,
        traffic: Traffic | None = None,
        fifo_depths: Mapping[str, int] | None = None,
        waveforms: Waveforms | None = None,
        watchdog_cycles: int = 0,
    ) -> SimulationResult:
        """Simulate images uint8[N, H, W, C] with N >= 1, one after the other without a pause.

        Args:
            images: what goes in.
            traffic: how fast, and with which stalls; by default as fast as possible.
            fifo_depths: FIFO name -> beats in place of the manifest's; nothing is compiled again.
            waveforms: a file to write, .fst or .vcd, and the cycles it shows; in one process, by
                a program of its own.
            watchdog_cycles: without a beat in or out after which the simulation stalls; by default
                several times what the layers take for a frame.

        Raises:
            HardwareError: images of another shape or none; an unknown FIFO or a depth that the
                program does not hold; another kind of waveform file.
            Stall: a HardwareError: nothing moves; with the cause and the streams that are stuck.
        """
        manifest = self.accelerator.manifest
        beats = pack_images(images, manifest.input)
        if len(images) == 0:
            raise HardwareError("images: none to simulate; give at least one")
        depths = _resolve_depths(manifest, fifo_depths or {})
        program = self.build(_kind(waveforms))
        parts = np.array_split(beats, 1 if waveforms else min(self.processes, len(beats)))
        done = [0] * len(parts)

        def run_part(index: int, folder: Path) -> ProcessResult:
            def progress(frames: int) -> None:
                done[index] = frames
                self.progress(sum(done))

            folder.mkdir()
            return run_program(
                program,
                self.accelerator,
                parts[index],
                folder,
                traffic=astuple(traffic or Traffic()),
                watchdog_cycles=watchdog_cycles,
                depths=depths,
                waveforms=waveforms,
                progress=progress,
            )

        start = time.perf_counter()
        with tempfile.TemporaryDirectory(prefix="steelflow-simulation-") as scratch:
            folders = [Path(scratch) / str(index) for index in range(len(parts))]
            with ThreadPoolExecutor(len(parts)) as pool:
                results = list(pool.map(run_part, range(len(parts)), folders))
        self.progress(len(images))
        return joined(results, wall_s=time.perf_counter() - start)


def _kind(waveforms: Waveforms | None) -> str:
    """Return the format of a waveform file, as Verilator's flag calls it."""
    if waveforms is None:
        return ""
    kind = waveforms.path.suffix.removeprefix(".")
    if kind not in _WAVES:
        raise HardwareError(
            f"waveforms {waveforms.path}: no .{' or .'.join(_WAVES)} file; name it so"
        )
    return kind


def _resolve_depths(manifest: Manifest, given: Mapping[str, int]) -> dict[str, int]:
    storage = {fifo.name: storage_depth(fifo) for fifo in manifest.fifos}
    for name, depth in given.items():
        if not 2 <= depth <= storage.get(name, 0):
            raise HardwareError(
                f"FIFO {name}: the simulation of {manifest.name} holds "
                f"{f'2 to {storage[name]} beats' if name in storage else 'no such FIFO'}, "
                f"not {depth}; choose another depth"
            )
    return {fifo.name: given.get(fifo.name, fifo.depth) for fifo in manifest.fifos}


def joined(
    results: Sequence[ProcessResult] | Sequence[SimulationResult], *, wall_s: float
) -> SimulationResult:
    """Return the results of parts of the images, in their order, as one."""
    first = results[0]
    marks = {
        name: max(result.fifo_high_water[name] for result in results)
        for name in first.fifo_high_water
    }
    return SimulationResult(
        logits=np.concatenate([result.logits for result in results]),
        frame_cycles=np.concatenate([result.frame_cycles for result in results]),
        first_input_cycle=first.first_input_cycle,
        cycles_total=sum(result.cycles_total for result in results),
        fifo_high_water=marks,
        wall_s=wall_s,
        frames_first=len(first.frame_cycles),
    )
