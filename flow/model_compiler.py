# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""From a lowered QONNX file to an accelerator that has been checked against it, image by image."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from flow.classifier import Images
from flow.compiler import Workshop, compile_network
from flow.engines import IntegerEngine, RtlsimEngine
from flow.errors import FlowError
from flow.integer import IntegerNetwork
from flow.lowering import Lowered
from flow.progress import meter
from flow.settings import CompileConfig
from flow.verification import Agreement, compare_logits
from hw.accelerator import Accelerator
from hw.verilator.simulation import SimulationResult

__all__ = ["CompiledModel", "check_in_rtl", "compile_model"]

_IMAGES_A_PROCESS = 8  # fewer, and filling each process's pipeline costs what it gains


@dataclass(frozen=True, kw_only=True)
class CompiledModel:
    """What compile_model has made.

    Attributes:
        accelerator: with FIFO depths from simulation.
        network: the integers that it computes.
        notes: what lowering had to round or leave out.
    """

    accelerator: Accelerator
    network: IntegerNetwork
    notes: tuple[str, ...]


def compile_model(
    lowered: Lowered,
    config: CompileConfig,
    folder: Path,
    *,
    name: str,
    workshop: Workshop,
    label: bool = False,
) -> CompiledModel:
    """Write accelerator/, network.npz, dataflow.onnx and folding.json into an existing folder.

    Args:
        lowered: any QONNX classifier as integers.
        config: part, clock and folding.
        folder: where the results are written.
        name: of the accelerator; letters, digits and underscores.
        workshop: folders to work in.
        label: end with an argmax, so that the accelerator's output is the label.

    Raises:
        FlowError: every layer that cannot become hardware.
        HardwareError: an unknown part, or a tool that fails.
    """
    lowered.network.save(folder / "network.npz")
    accelerator = compile_network(
        lowered.network, config, folder, name=name, workshop=workshop, label=label
    )
    return CompiledModel(accelerator=accelerator, network=lowered.network, notes=lowered.notes)


def check_in_rtl(
    compiled: CompiledModel, images: Images, build_dir: Path
) -> tuple[Agreement, SimulationResult]:
    """Compare the RTL's logits (or labels) with the integer network's; a difference is an error.

    Raises:
        FlowError: naming the first image that differs.
        HardwareError: the simulation stalls, naming the stream.
    """
    with meter("RTL simulation", unit="frames") as report:
        engine = RtlsimEngine(
            compiled.accelerator,
            build_dir=build_dir,
            report=report,
            processes=min(os.cpu_count() or 1, max(1, len(images) // _IMAGES_A_PROCESS)),
        )
        if compiled.accelerator.manifest.output.kind == "logits":
            agreement = compare_logits(IntegerEngine(compiled.network), engine, images)
        else:
            agreement = _compare_labels(compiled.network, engine, images)
    assert engine.last is not None
    return agreement, engine.last


def _compare_labels(network: IntegerNetwork, engine: RtlsimEngine, images: Images) -> Agreement:
    expected = network.labels(network.logits(images))
    found = engine.logits(images)[:, 0]
    wrong = np.flatnonzero(expected != found)
    if len(wrong):
        first = int(wrong[0])
        raise FlowError(
            f"integer and rtlsim differ in the label of {len(wrong)} of {len(images)} images, "
            f"first of image {first}: {expected[first]} and {found[first]}; report this network"
        )
    return Agreement(images=len(images), labels_differ=0, logits_differ=0)
