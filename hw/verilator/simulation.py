# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Images through an accelerator's RTL, cycle by cycle: logits and when they came."""

import math
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hw.accelerator import Accelerator, Manifest
from hw.errors import HardwareError
from hw.packing import pack_images, unpack_logits
from hw.verilator._build import plan_build, run_build
from hw.verilator._sim_top import fifo_instance, storage_depth

__all__ = ["Simulation", "SimulationResult", "Traffic"]

_STALLED = 3  # exit status of the harness


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
    """Logits and timing of a set of images; cycles count from the end of the reset."""

    logits: NDArray[np.int32]  # [N, K]
    frame_cycles: NDArray[np.int64]  # [N] the cycle of each frame's last output beat
    first_input_cycle: int  # the cycle of the first input beat
    cycles_total: int
    fifo_high_water: dict[str, int] = field(default_factory=dict)  # FIFO name -> beats
    wall_s: float

    @property
    def latency_cycles(self) -> int:
        """Cycles from the first input beat to the first frame's last output beat."""
        return int(self.frame_cycles[0]) - self.first_input_cycle

    @property
    def initiation_interval_cycles(self) -> float:
        """Mean cycles between the last output beats of successive frames; NaN for one frame.

        Taken over the second half of the frames, (t[N-1] - t[h]) / (N-1 - h) with h = (N-1) // 2:
        while the FIFOs fill, the first frames come faster than later ones can.
        """
        half = self.frame_cycles[(len(self.frame_cycles) - 1) // 2 :]
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
    """

    def __init__(
        self,
        accelerator: Accelerator,
        *,
        build_dir: Path,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        self.accelerator = accelerator
        self.build_dir = build_dir
        self.progress = progress or (lambda _: None)

    def build(self) -> Path:
        """Return the simulation program; compile it if no earlier build can be used.

        Raises:
            HardwareError: g++ or make is missing, or one of the tools failed.
        """
        return run_build(plan_build(self.accelerator), self.build_dir)

    def run(
        self,
        images: NDArray[np.uint8],
        *,
        traffic: Traffic | None = None,
        fifo_depths: Mapping[str, int] | None = None,
    ) -> SimulationResult:
        """Simulate images uint8[N, H, W, C] with N >= 1, one after the other without a pause.

        Args:
            images: what goes in.
            traffic: how fast, and with which stalls; by default as fast as possible.
            fifo_depths: FIFO name -> beats in place of the manifest's; nothing is compiled again.

        Raises:
            HardwareError: images of another shape or none; an unknown FIFO or a depth that the
                program does not hold; a simulation that stalls, with the streams that are stuck.
        """
        manifest = self.accelerator.manifest
        beats = pack_images(images, manifest.input)
        if len(images) == 0:
            raise HardwareError("images: none to simulate; give at least one")
        depths = _resolve_depths(manifest, fifo_depths or {})
        program = self.build()
        with tempfile.TemporaryDirectory(prefix="steelflow-simulation-") as scratch:
            folder = Path(scratch)
            (folder / "in").write_bytes(beats.tobytes())
            arguments = _arguments(manifest, len(images), traffic or Traffic())
            plusargs = [f"+depth_{fifo_instance(name)}={n}" for name, n in depths.items()]
            start = time.perf_counter()
            report = self._execute(
                [str(program), f"{folder}/in", f"{folder}/out", *arguments, *plusargs]
            )
            wall_s = time.perf_counter() - start
            self.progress(len(images))
            return _result(manifest, (folder / "out").read_bytes(), report, wall_s)

    def _execute(self, command: list[str]) -> list[list[str]]:
        """Run the program in the accelerator's folder; return the words of each line it prints."""
        report = []
        process = subprocess.Popen(
            command,
            cwd=self.accelerator.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        with process:
            assert process.stdout is not None
            for line in process.stdout:
                report.append(line.split() or [""])
                if line.startswith("frames "):
                    self.progress(int(report[-1][1]))
        name = self.accelerator.manifest.name
        if process.returncode == _STALLED:
            raise HardwareError(_explain_stall(name, report))
        problems = [" ".join(line) for line in report if "%" in "".join(line[:2])]
        if process.returncode or problems:
            said = [*problems, " ".join(report[-1]) if report else "no message"]
            raise HardwareError(
                f"simulation of {name}: exit status {process.returncode}: {said[0]}; "
                "compile the network again"
            )
        return report


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


def _arguments(manifest: Manifest, frames: int, traffic: Traffic) -> list[str]:
    layers = sum(layer.cycles_predicted for layer in manifest.layers)
    watchdog = 10_000 + 10 * layers + 10 * traffic.frame_cycles
    numbers = (
        frames,
        manifest.input.beats_per_frame,
        manifest.output.beats_per_frame,
        watchdog,
        traffic.frame_cycles,
        round(traffic.stall_input * 2**32),
        round(traffic.stall_output * 2**32),
        traffic.seed,
    )
    return [str(number) for number in numbers]


def _result(
    manifest: Manifest, data: bytes, report: list[list[str]], wall_s: float
) -> SimulationResult:
    port = manifest.output
    beat_bytes = port.stream_width_bits // 8
    record = np.dtype([("beats", np.uint8, (port.beats_per_frame, beat_bytes)), ("cycle", "<u8")])
    frames = np.frombuffer(data, record)
    _, total, first = report[-1]
    return SimulationResult(
        logits=unpack_logits(frames["beats"], port),
        frame_cycles=frames["cycle"].astype(np.int64),
        first_input_cycle=int(first),
        cycles_total=int(total),
        fifo_high_water={line[1]: int(line[2]) for line in report if line[0] == "fifo"},
        wall_s=wall_s,
    )


def _explain_stall(name: str, report: list[list[str]]) -> str:
    """Name the streams that are stuck: a sender that waits, or a receiver that waits."""
    streams = [line[1:] for line in report if line[0] == "stream"]
    blocked = [f"{a} -> {b}" for a, b, valid, ready in streams if (valid, ready) == ("1", "0")]
    starved = [f"{a} -> {b}" for a, b, valid, ready in streams if (valid, ready) == ("0", "1")]
    _, cycles, frames = report[-1]
    return (
        f"simulation of {name}: stalled at cycle {cycles} after {frames} frames; "
        f"valid without ready: {', '.join(blocked) or 'none'}; "
        f"ready without valid: {', '.join(starved) or 'none'}; "
        "look at the first layer that waits for its reader, and give the FIFOs there more depth"
    )
