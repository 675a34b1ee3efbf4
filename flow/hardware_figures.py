# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A zoo model from QONNX to verified RTL: its time, speed and resources."""

import time
from pathlib import Path

from flow import zoo
from flow.bench.base import Row
from flow.bench.hardware import Target
from flow.compiler import Workshop
from flow.data import first_test_images
from flow.lowering import lower, read_model
from flow.model_compiler import CompiledModel, check_in_rtl, compile_model
from flow.progress import meter
from flow.settings import CompileConfig
from hw.synth import SynthesisReport, synthesize

__all__ = ["measure"]


def measure(name: str, target: Target, count: int, data: Path | None, folder: Path) -> Row:
    """Compile, simulate on real images and synthesise; return the benchmark's row."""
    workshop = Workshop(folder / "work", folder / "verilator")
    config = CompileConfig(
        part=target.part, clock_mhz=target.clock_mhz, target_fps=target.frames_per_second
    )
    zoo.export(name, folder / "model.onnx")
    start = time.perf_counter()
    lowered = lower(read_model(folder / "model.onnx"))
    identifier = name.replace("-", "_")
    compiled = compile_model(lowered, config, folder, name=identifier, workshop=workshop)
    seconds = time.perf_counter() - start
    images, _ = first_test_images(zoo.dataset(name, data), count, "--images")
    agreement, simulated = check_in_rtl(compiled, images, workshop.build_dir)
    interval = simulated.initiation_interval_cycles
    return {
        "model": name,
        "part": target.part,
        "clock_mhz": target.clock_mhz,
        "compile_s": round(seconds, 1),
        "images": agreement.images,
        "logits_differ": agreement.logits_differ,
        "cycles_predicted": compiled.accelerator.manifest.cycles_per_frame_predicted,
        "cycles_measured": interval,
        "frames_per_second": target.clock_mhz * 1e6 / interval,
        "sim_cycles_per_s": simulated.cycles_per_second,
        **_resources(compiled, folder),
    }


def _resources(compiled: CompiledModel, folder: Path) -> Row:
    with meter("synthesis", unit="modules") as report:
        found: SynthesisReport = synthesize(
            compiled.accelerator,
            build_dir=folder / "synth",
            timeout_s=3600,
            progress=lambda _name, done, count: report(done, count),
        )
    manifest = compiled.accelerator.manifest
    return {
        "lut": found.total.lut,
        "ff": found.total.ff,
        "dsp": found.total.dsp,
        "bram36": found.total.bram36,
        "lut_estimate": round(sum(layer.estimate.lut for layer in found.layers)),
        "fifo_bits_default": manifest.fifo_bits_default,
        "fifo_bits": manifest.fifo_bits,
    }
