# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""From a QONNX file to an accelerator that has been checked against it, image by image."""

import time
from dataclasses import dataclass
from pathlib import Path

from flow.classifier import Images
from flow.compiler import Workshop, compile_network
from flow.engines import IntegerEngine, RtlsimEngine
from flow.integer import IntegerNetwork
from flow.lowering import InputEncoding, lower, read_model
from flow.progress import meter
from flow.settings import CompileConfig
from flow.verification import Agreement, compare_logits
from hw.accelerator import Accelerator
from hw.verilator.simulation import SimulationResult

__all__ = ["CompiledModel", "check_in_rtl", "compile_model"]


@dataclass(frozen=True, kw_only=True)
class CompiledModel:
    """What compile_model has made.

    Attributes:
        accelerator: with FIFO depths from simulation.
        network: the integers that it computes.
        notes: what lowering had to round or leave out.
        seconds: from reading the file to the sized accelerator.
    """

    accelerator: Accelerator
    network: IntegerNetwork
    notes: tuple[str, ...]
    seconds: float


def compile_model(
    path: Path,
    config: CompileConfig,
    folder: Path,
    *,
    name: str,
    workshop: Workshop,
    encoding: InputEncoding | None = None,
) -> CompiledModel:
    """Write accelerator/, network.npz, dataflow.onnx and folding.json into an existing folder.

    Args:
        path: any QONNX classifier.
        config: part, clock and folding.
        folder: where the results are written.
        name: of the accelerator; letters, digits and underscores.
        workshop: folders to work in.
        encoding: the model's input for a uint8 pixel; by default what the model declares.

    Raises:
        FlowError: a file that is no QONNX classifier; every node that cannot be compiled.
        HardwareError: an unknown part, or a tool that fails.
    """
    start = time.perf_counter()
    lowered = lower(read_model(path), input_encoding=encoding)
    lowered.network.save(folder / "network.npz")
    accelerator = compile_network(lowered.network, config, folder, name=name, workshop=workshop)
    return CompiledModel(
        accelerator=accelerator,
        network=lowered.network,
        notes=lowered.notes,
        seconds=time.perf_counter() - start,
    )


def check_in_rtl(
    compiled: CompiledModel, images: Images, build_dir: Path
) -> tuple[Agreement, SimulationResult]:
    """Compare the RTL's logits with the integer network's; a difference is an error.

    Raises:
        VerificationError: naming the first image and layer that differ.
        HardwareError: the simulation stalls, naming the stream.
    """
    with meter("RTL simulation", unit="frames") as report:
        engine = RtlsimEngine(compiled.accelerator, build_dir=build_dir, report=report)
        agreement = compare_logits(IntegerEngine(compiled.network), engine, images)
    assert engine.last is not None
    return agreement, engine.last
