# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""From an integer network to an accelerator folder: FINN's layers, folding, RTL, FIFO depths."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from qonnx.core.modelwrapper import ModelWrapper

from flow.compile.clock import Stitched, register_for_clock
from flow.config import CompileConfig
from flow.dataflow import (
    expected_memories,
    fold_to_fit,
    folding_of,
    generate_rtl,
    to_dataflow,
)
from flow.integer import IntegerNetwork
from flow.progress import meter
from flow.storage.records import write_json
from hw.accelerator import Accelerator
from hw.fifo_sizing.sizing import size_fifos
from hw.finn.session import finn_build_dir
from hw.parts import find_part
from hw.proof import prove_memories
from hw.stitch.stitching import stitch, with_fifo_depths

__all__ = ["CompiledNetwork", "compile_network"]

_SIZING_IMAGES = 4  # of noise: the layers' timing does not depend on the values


@dataclass(frozen=True, kw_only=True)
class CompiledNetwork:
    """What compile_network has made.

    Attributes:
        accelerator: with FIFO depths from simulation.
        changes: layer -> how it would have been built and how it is built to fit the part.
        clock: what limits it, in lines; none for a clock that nothing is registered for.
    """

    accelerator: Accelerator
    changes: Mapping[str, tuple[str, str]]
    clock: tuple[str, ...]


def compile_network(
    network: IntegerNetwork,
    config: CompileConfig,
    folder: Path | str,
    *,
    name: str,
    scratch: Path | str,
    build_dir: Path | str,
    label: bool = False,
    optimize: bool = True,
) -> CompiledNetwork:
    """Write accelerator/, dataflow.onnx and folding.json into an existing folder.

    Every word of its memories is read back and compared with the network (hw.proof).

    Args:
        network: what the accelerator computes.
        config: part, clock and folding.
        folder: where the results are written.
        name: of the accelerator; letters, digits and underscores.
        scratch: folder for what is thrown away afterwards.
        build_dir: where compiled simulations are kept, by digest.
        label: end with an argmax, so that the accelerator's output is the label.
        optimize: the simulation that sizes the FIFOs; see hw.verilator.Simulation.

    Raises:
        FlowError: a layer that cannot become hardware or a folding that is not legal.
        HardwareError: a tool that fails; an unknown part; a memory that differs from the network.
    """
    folder, scratch, build_dir = Path(folder), Path(scratch), Path(build_dir)
    part = find_part(config.part).name
    dataflow = to_dataflow(network, part, label=label, lut_per_dsp=config.lut_per_dsp)
    dataflow.save(str(folder / "dataflow.onnx"))
    folded = fold_to_fit(dataflow, config)
    write_json(
        folder / "folding.json", {"cycles": folded.cycles, "folding": folding_of(folded.model)}
    )

    def build(model: ModelWrapper) -> Stitched:
        generated = generate_rtl(model, part, config.clock_mhz)
        return generated, stitch(
            generated,
            scratch / "stitched",
            name=name,
            part=part,
            clock_mhz=config.clock_mhz,
            logit_scale=network.scale,
            logit_offset=network.offset,
            preprocessing=network.preprocessing,
        )

    with finn_build_dir(scratch / "finn"), meter("code generation", unit="layers"):
        (generated, stitched), clock = register_for_clock(folded.model, build)
    proof = prove_memories(stitched, expected_memories(network, generated, label=label))
    noise = np.random.default_rng(0)
    images = noise.integers(0, 256, (_SIZING_IMAGES, *network.input_shape), dtype=np.uint8)
    with meter("simulation to size the FIFOs", unit="frames") as report:
        sizing = size_fifos(
            stitched, images, build_dir=build_dir, progress=report, optimize=optimize
        )
    accelerator = with_fifo_depths(
        stitched,
        sizing.depths,
        folder / "accelerator",
        cycles_measured=sizing.interval_cycles,
        memory_words_proven=proof.words,
    )
    return CompiledNetwork(accelerator=accelerator, changes=folded.changes, clock=tuple(clock))
