# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A zoo model from QONNX to verified RTL: its time, speed and resources."""

import time
from dataclasses import dataclass
from pathlib import Path

from brevitas_models.classifier import QuantClassifier
from brevitas_models.pretrained import load
from flow.classifier import Images
from flow.compile import (
    RtlRun,
    check_in_rtl,
    compile_config,
    compile_network,
    synthesize_shown,
)
from flow.data.datasets import first_test_images
from flow.export.qonnx import export_qonnx_model
from flow.lowering import lower, read_model
from flow.tables import Row
from flow.zoo import networks as zoo
from flow.zoo.entry import Target
from hw.accelerator import Manifest
from hw.synth import SynthesisReport

__all__ = ["HardwareMeasurement", "benchmark_row", "measure"]


@dataclass(frozen=True, kw_only=True)
class HardwareMeasurement:
    """What an accelerator is and does.

    Attributes:
        compile_s: from the QONNX file to sized FIFOs.
        run: images through the RTL, none of whose logits differ, and their timing.
        synthesis: resources layer by layer.
    """

    compile_s: float
    run: RtlRun
    synthesis: SynthesisReport

    @property
    def manifest(self) -> Manifest:
        """Of the accelerator."""
        return self.run.accelerator.manifest

    @property
    def frames_per_second(self) -> float:
        """As simulated, at the manifest's clock."""
        return self.run.frames_per_second


def measure(
    name: str, network: QuantClassifier, target: Target, images: Images, folder: Path
) -> HardwareMeasurement:
    """Compile, simulate and synthesise.

    Args:
        name: of the network.
        network: trained, in the form of brevitas_models.pretrained.
        target: what it is folded for.
        images: uint8[N, H, W, C] that the RTL sees; N at least 2, or there is no frame rate.
        folder: existing and empty, gets the accelerator and all else.

    Raises:
        FlowError: an impossible clock or frame rate, a layer that cannot become hardware, or a
            logit that differs.
        HardwareError: a tool is missing or fails; an unknown part.
    """
    config = compile_config(
        part=target.part, clock_mhz=target.clock_mhz, fps=target.frames_per_second
    )
    export_qonnx_model(network, folder / "model.onnx")
    start = time.perf_counter()
    integers = lower(read_model(folder / "model.onnx")).network
    build_dir = folder / "verilator"
    compiled = compile_network(
        integers,
        config,
        folder,
        name=name.replace("-", "_"),
        scratch=folder / "work",
        build_dir=build_dir,
    )
    seconds = time.perf_counter() - start
    run = check_in_rtl(compiled.accelerator, integers, images, build_dir=build_dir)
    return HardwareMeasurement(
        compile_s=seconds,
        run=run,
        synthesis=synthesize_shown(compiled.accelerator, timeout_s=3600),
    )


def benchmark_row(name: str, target: Target, count: int, data: Path | None, folder: Path) -> Row:
    """Measure a shipped network with its first `count` test images; return a row of the table."""
    images, _ = first_test_images(zoo.dataset(name, data), count, "images")
    found = measure(name, load(name), target, images, folder)
    manifest, total = found.manifest, found.synthesis.total
    return {
        "model": name,
        "part": manifest.part,
        "clock_mhz": manifest.clock_mhz,
        "compile_s": round(found.compile_s, 1),
        "images": found.run.images,
        "logits_differ": found.run.agreement and found.run.agreement.logits_differ,
        "cycles_predicted": manifest.cycles_per_frame_predicted,
        "cycles_measured": found.run.cycles_per_frame,
        "frames_per_second": found.frames_per_second,
        "sim_cycles_per_s": found.run.simulated.cycles_per_second,
        "lut": total.lut,
        "ff": total.ff,
        "dsp": total.dsp,
        "bram36": total.bram36,
        "lut_estimate": round(sum(layer.estimate.lut for layer in found.synthesis.layers)),
        "fifo_bits_default": manifest.fifo_bits_default,
        "fifo_bits": manifest.fifo_bits,
    }
