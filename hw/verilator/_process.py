# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""One run of a simulation program: its arguments, what it prints and what it writes."""

import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hw.accelerator import Accelerator, Manifest
from hw.accelerator.packing import unpack_logits
from hw.errors import HardwareError
from hw.verilator._stall import Stall, StreamState, explain_stall, shallow_fifo
from hw.verilator.sim_top import fifo_instance

__all__ = ["ProcessResult", "Waveforms", "run_program"]

_STALLED = 3  # exit status of the harness
_RATE = 2**32  # the harness' probability of 1


@dataclass(frozen=True)
class Waveforms:
    """Where waveforms go, and of which cycles."""

    path: Path
    first: int = 0
    end: int = 2**63


@dataclass(frozen=True)
class ProcessResult:
    """What one process found; cycles count from the end of its reset."""

    logits: NDArray[np.int32]  # [N, K]
    frame_cycles: NDArray[np.int64]  # [N]
    first_input_cycle: int
    cycles_total: int
    fifo_high_water: dict[str, int]


def run_program(
    program: Path,
    accelerator: Accelerator,
    beats: NDArray[np.uint8],
    folder: Path,
    *,
    traffic: tuple[int, float, float, int],
    watchdog_cycles: int,
    depths: Mapping[str, int],
    waveforms: Waveforms | None,
    progress: Callable[[int], None],
) -> ProcessResult:
    """Simulate the beats uint8[N, beats, bytes] of N images.

    Args:
        program: from run_build.
        accelerator: whose memory files are read.
        beats: from pack_images.
        folder: empty, for files in and out.
        traffic: cycles over which a frame is offered, probabilities of stalls at the input and at
            the output, seed.
        watchdog_cycles: without a beat in or out after which a simulation stalls; 0: several times
            what the layers take for a frame.
        depths: FIFO name -> beats.
        waveforms: to be written, if the program can.
        progress: called with the frames done, a few times a second.

    Raises:
        HardwareError: a simulation that stalls, with the cause; a program that fails.
    """
    manifest = accelerator.manifest
    (folder / "in").write_bytes(beats.tobytes())
    shown = waveforms or Waveforms(Path("/dev/null"))
    command = [
        *(str(program), f"{folder}/in", f"{folder}/out"),
        *(str(number) for number in _numbers(manifest, len(beats), traffic, watchdog_cycles)),
        *(str(shown.path.resolve()), str(shown.first), str(shown.end)),
        *(f"+depth_{fifo_instance(name)}={depth}" for name, depth in depths.items()),
    ]
    report = _execute(command, accelerator, progress)
    return _result(manifest, (folder / "out").read_bytes(), report)


def _numbers(
    manifest: Manifest, frames: int, traffic: tuple[int, float, float, int], watchdog_cycles: int
) -> tuple[int, ...]:
    pace, stall_input, stall_output, seed = traffic
    layers = sum(layer.cycles_predicted for layer in manifest.layers)
    patience = 10 if stall_input or stall_output else 2
    return (
        frames,
        manifest.input.beats_per_frame,
        manifest.output.beats_per_frame,
        watchdog_cycles or 10_000 + patience * (layers + pace),
        pace,
        round(stall_input * _RATE),
        round(stall_output * _RATE),
        seed,
    )


def _execute(
    command: list[str], accelerator: Accelerator, progress: Callable[[int], None]
) -> list[list[str]]:
    """Run the program in the accelerator's folder; return the words of each line it prints."""
    report = []
    process = subprocess.Popen(
        command,
        cwd=accelerator.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with process:
        assert process.stdout is not None
        for line in process.stdout:
            report.append(line.split() or [""])
            if line.startswith("frames "):
                progress(int(report[-1][1]))
    name = accelerator.manifest.name
    if process.returncode == _STALLED:
        raise _stall(name, report)
    problems = [" ".join(line) for line in report if "%" in "".join(line[:2])]
    if process.returncode or problems:
        said = [*problems, " ".join(report[-1]) if report else "no message"]
        raise HardwareError(
            f"simulation of {name}: exit status {process.returncode}: {said[0]}; "
            "compile the network again"
        )
    return report


def _stall(name: str, report: list[list[str]]) -> Stall:
    _, cycles, frames = report[-1]
    streams = [
        StreamState(line[1], line[2], line[3] == "1", line[4] == "1")
        for line in report
        if line[0] == "stream"
    ]
    held = {line[1]: int(line[2]) for line in report if line[0] == "held"}
    shallow = shallow_fifo(streams, held)
    return Stall(
        f"simulation of {name}: stalled at cycle {cycles} after {frames} frames; "
        f"{explain_stall(streams, held)}",
        shallow[0] if shallow else "",
    )


def _result(manifest: Manifest, data: bytes, report: list[list[str]]) -> ProcessResult:
    port = manifest.output
    beat_bytes = port.stream_width_bits // 8
    record = np.dtype([("beats", np.uint8, (port.beats_per_frame, beat_bytes)), ("cycle", "<u8")])
    frames = np.frombuffer(data, record)
    _, total, first = report[-1]
    return ProcessResult(
        logits=unpack_logits(frames["beats"], port),
        frame_cycles=frames["cycle"].astype(np.int64),
        first_input_cycle=int(first),
        cycles_total=int(total),
        fifo_high_water={line[1]: int(line[2]) for line in report if line[0] == "fifo"},
    )
