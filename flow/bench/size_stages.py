# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The stages of one network in a process of its own, each with its time and its peak of memory.

`python -m flow.bench.size_stages NETWORK PIXELS FPS LAST` prints a row of JSON a stage.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from flow.bench.size_networks import sized_model
from flow.config import CompileConfig
from flow.dataflow import expected_memories, fold_to_fit, generate_rtl, to_dataflow
from flow.fuzz.agreement import execute
from flow.integer.native import NativeNetwork
from flow.lowering import lower
from flow.tables import Row
from hw.fifo_sizing.sizing import size_fifos
from hw.finn.session import finn_build_dir
from hw.proof import prove_memories
from hw.stitch.stitching import stitch
from hw.verilator.simulation import Simulation

__all__ = ["STAGES", "stage_rows"]

STAGES = (
    "write",
    "lower",
    "engine",
    "qonnx",
    "fold",
    "generate",
    "stitch",
    "prove",
    "build",
    "frame",
    "size",
)
_PART, _CLOCK_MHZ = "xcu250-figd2104-2L-e", 200.0
_DEEP = 2**15  # beats
_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def stage_rows(network: str, pixels: int, fps: float, last: str) -> Iterator[Row]:
    """Yield a row a stage, measured in a process of its own.

    Args:
        network: of SIZED.
        pixels: height and width of its images.
        fps: that the folding is to reach.
        last: the stage after which it ends.
    """
    command = [sys.executable, "-m", __spec__.name, network, str(pixels), str(fps), last]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            yield json.loads(line)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)


class _Stages:
    """What one stage leaves to the next; each method is a stage and returns its figure."""

    def __init__(self, network: str, pixels: int, fps: float, folder: Path) -> None:
        self.network, self.pixels, self.folder = network, pixels, folder
        self.config = CompileConfig(part=_PART, clock_mhz=_CLOCK_MHZ, target_fps=fps)
        self.images = np.random.default_rng(1).integers(
            0, 256, (1, pixels, pixels, 3), dtype=np.uint8
        )

    def write(self) -> str:
        """Write the model."""
        self.model = sized_model(self.network, self.pixels)
        return f"{len(self.model.graph.node)} nodes"

    def lower(self) -> str:
        """Lower it."""
        self.lowered = lower(self.model).network
        return f"{len(self.lowered.operations)} operations"

    def engine(self) -> str:
        """Classify an image in the native engine."""
        self.logits = NativeNetwork(self.lowered, threads=1).logits(self.images)
        return f"{len(np.unique(self.logits))} different logits"

    def qonnx(self) -> str:
        """Execute the same image in qonnx."""
        floats = execute(self.model, self.images[0], nchw=True).reshape(-1).astype(np.float64)
        steps = (floats - self.lowered.offset) / self.lowered.scale
        return f"off by {np.abs(steps - self.logits[0]).max():.3g} steps"

    def fold(self) -> str:
        """Write FINN's layers and fold them."""
        dataflow = to_dataflow(self.lowered, _PART)
        folded = fold_to_fit(dataflow, self.config)
        self.folded = folded.model
        slowest = max(folded.cycles.values())
        return f"{len(folded.cycles)} layers, {slowest:,} cycles"

    def generate(self) -> str:
        """Generate RTL."""
        with finn_build_dir(self.folder / "finn"):
            self.generated = generate_rtl(self.folded, _PART, _CLOCK_MHZ)
        return f"{len(self.generated.graph.node)} nodes"

    def stitch(self) -> str:
        """Join it, with what it stands for."""
        with finn_build_dir(self.folder / "finn"):
            self.stitched = stitch(
                self.generated,
                self.folder / "stitched",
                name=self.network,
                part=_PART,
                clock_mhz=_CLOCK_MHZ,
                logit_scale=self.lowered.scale,
                logit_offset=self.lowered.offset,
                preprocessing=self.lowered.preprocessing,
            )
        estimates = [layer.estimate for layer in self.stitched.manifest.layers]
        return f"{sum(item.lut for item in estimates):,.0f} LUT by estimate"

    def prove(self) -> str:
        """Read every memory back."""
        expected = expected_memories(self.lowered, self.generated, label=False)
        return f"{prove_memories(self.stitched, expected).words:,} words"

    def build(self) -> str:
        """Compile the simulation."""
        self.simulation = Simulation(self.stitched, build_dir=self.folder / "verilator")
        program = self.simulation.build()
        return f"{program.stat().st_size:,} bytes"

    def frame(self) -> str:
        """Simulate one frame, with FIFOs that hold a frame of small layers."""
        fifos = self.stitched.manifest.fifos
        deep = {f.name: max(f.depth, min(f.beats_per_frame, _DEEP)) for f in fifos}
        found = self.simulation.run(self.images, fifo_depths=deep)
        differ = int((found.logits != self.logits).sum())
        return f"{differ} logits differ, {found.cycles_total:,} cycles"

    def size(self) -> str:
        """Size the FIFOs."""
        sizing = size_fifos(
            self.stitched, self.images, build_dir=self.folder / "verilator", budget_cycles=0
        )
        return f"{sizing.interval_cycles:,.0f} cycles a frame"


def _measured(stage: str, action: Callable[[], str]) -> dict[str, Any]:
    _CLEAR.write_text("5")  # the peak starts anew
    start, before = time.perf_counter(), _cpu_s()
    figure = action()
    peak = int(_STATUS.read_text().split("VmHWM:")[1].split()[0]) / 1024
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return {
        "stage": stage,
        "wall_s": round(time.perf_counter() - start, 2),
        "cpu_s": round(_cpu_s() - before, 2),
        "peak_mib": round(max(peak, children if stage in ("build", "frame", "size") else 0)),
        "figure": figure,
    }


def _cpu_s() -> float:
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(u.ru_utime + u.ru_stime for u in map(resource.getrusage, kinds))


def _main(network: str, pixels: str, fps: str, last: str) -> None:
    with tempfile.TemporaryDirectory(prefix="steelflow-size-") as scratch:
        stages = _Stages(network, int(pixels), float(fps), Path(scratch))
        for stage in STAGES[: STAGES.index(last) + 1]:
            row = {"network": network, "pixels": int(pixels)}
            print(json.dumps(row | _measured(stage, getattr(stages, stage))), flush=True)


if __name__ == "__main__":
    _main(*sys.argv[1:])
