# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A QONNX file of the user's own, compiled and checked into a folder of its own."""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from flow.classifier import Images
from flow.compile.check import RtlRun, check_in_rtl
from flow.compile.network import compile_network
from flow.compile.opening import ACCELERATOR, NETWORK
from flow.compile.resources import resources_record
from flow.compile.result_folder import CACHE, new_results
from flow.compile.synthesis import synthesize_shown
from flow.config import CompileConfig
from flow.engines.simulation import as_pixels, read_images
from flow.errors import FlowError, SettingError
from flow.integer import IntegerNetwork
from flow.lowering import InputEncoding, Lowered, lower, read_model
from flow.storage.files import check_place
from flow.storage.records import write_json
from flow.storage.workspace import disk_errors_in_one_line
from hw.accelerator import Accelerator
from hw.errors import HardwareError
from hw.parts import Family
from hw.synth import SynthesisReport
from hw.verilator.simulation import Simulation, Waveforms

__all__ = ["CompiledModel", "compile_model"]

_RECORD = "compile.json"
_SYNTH = "synth.json"
_RESULTS = (ACCELERATOR, NETWORK, "dataflow.onnx", "folding.json", _SYNTH, _RECORD)
_WAVES = (".fst", ".vcd")
_SYNTHESIS_S = 3600.0  # a layer


@dataclass(frozen=True, kw_only=True)
class CompiledModel:
    """What compile_model has left in its folder.

    Attributes:
        folder: with accelerator/, network.npz, dataflow.onnx, folding.json, synth.json and
            compile.json.
        accelerator: with FIFO depths from simulation.
        lowered: the integers that it computes, and what was assumed or rounded on the way.
        run: the images that went through the RTL, all equal to the integers.
        synthesis: what Yosys counts; None if it was not wanted or does not know the part.
        changes: layer -> how it would have been built and how it is built to fit the part.
        clock: what limits it, in lines; none for a clock that nothing is registered for.
    """

    folder: Path
    accelerator: Accelerator
    lowered: Lowered
    run: RtlRun
    synthesis: SynthesisReport | None
    changes: Mapping[str, tuple[str, str]]
    clock: tuple[str, ...]


def compile_model(
    model: Path | str,
    folder: Path | str,
    config: CompileConfig,
    *,
    encoding: InputEncoding | None = None,
    output_name: str | None = None,
    images: Path | str | None = None,
    verify: int = 4,
    label: bool = False,
    trace: Path | str | None = None,
    synthesis: bool = True,
    on_lowered: Callable[[Lowered], None] = lambda _: None,
) -> CompiledModel:
    """Compile a QONNX file and check the RTL; the folder is as it was before until all is done.

    Args:
        model: the file.
        folder: of the results; those of an earlier compilation are replaced.
        config: part, clock and folding.
        encoding: the model's input for a uint8 pixel; see lower.
        output_name: the model's output that holds the logits; None for the only one.
        images: .npy of images to check the RTL with, as for simulate; noise by default.
        verify: how many images the RTL sees, at least 1.
        label: end with an argmax in hardware.
        trace: .fst or .vcd file that gets the waveforms of the first image.
        synthesis: count resources with Yosys, where it knows the part's family.
        on_lowered: called early with the integers and the notes about them.

    Raises:
        FlowError: a file or a setting that cannot be used; nodes that cannot be compiled; logits
            that differ from the integers'.
        HardwareError: an unknown part, or a tool that fails.
    """
    model, folder = Path(model), Path(folder).resolve()
    waves = None if trace is None else Path(trace)
    _check(verify, waves)
    with new_results(folder, _RESULTS) as (new, scratch):
        start = time.perf_counter()
        lowered = lower(read_model(model, output_name=output_name), input_encoding=encoding)
        on_lowered(lowered)
        network = lowered.network
        network.save(new / NETWORK)
        pixels = _images(images, verify, network)
        build_dir = folder / CACHE / "verilator"
        compiled = compile_network(
            network,
            config,
            new,
            name=_identifier(model.stem),
            scratch=scratch,
            build_dir=build_dir,
            label=label,
        )
        accelerator = compiled.accelerator
        record = {"model": str(model), "compile_s": time.perf_counter() - start}
        run = check_in_rtl(accelerator, network, pixels, build_dir=build_dir)
        if waves is not None:
            Simulation(accelerator, build_dir=build_dir).run(pixels[:1], waveforms=Waveforms(waves))
        record |= _speed(run)
        write_json(new / _RECORD, record | _meaning(lowered) | {"changes": compiled.changes})
    return CompiledModel(
        folder=folder,
        accelerator=Accelerator.load(folder / ACCELERATOR),
        lowered=lowered,
        run=run,
        synthesis=_synthesised(folder) if synthesis else None,
        changes=compiled.changes,
        clock=compiled.clock,
    )


def _meaning(lowered: Lowered) -> dict[str, Any]:
    network = lowered.network
    assert network.preprocessing is not None, "lowering says what the input is"
    return {
        "input": {
            "image": network.input_shape,
            "preprocessing": asdict(network.preprocessing),
            "assumed": lowered.assumed,
        },
        "logits": {
            "scale": network.scale,
            "offset": network.offset,
            "rounding": lowered.rounding,
        },
        "notes": lowered.notes,
    }


def _speed(run: RtlRun) -> dict[str, Any]:
    manifest = run.accelerator.manifest
    assert run.agreement is not None, "it was compared"
    return {
        "integer_vs_rtlsim": asdict(run.agreement),
        "memory_words_proven": manifest.memory_words_proven,
        "part": manifest.part,
        "clock_mhz": manifest.clock_mhz,
        "cycles_predicted": manifest.cycles_per_frame_predicted,
        "cycles_measured": run.cycles_per_frame,
        "frames_per_second": run.frames_per_second,
    }


def _synthesised(folder: Path) -> SynthesisReport | None:
    """Count resources into synth.json when the rest is in place: a failure loses nothing else."""
    accelerator = Accelerator.load(folder / ACCELERATOR)
    if accelerator.manifest.device.family is Family.VERSAL:
        return None
    with disk_errors_in_one_line("synth", folder):
        try:
            found = synthesize_shown(accelerator, timeout_s=_SYNTHESIS_S)
        except HardwareError as error:
            raise HardwareError(f"{error} (the accelerator itself is whole: {folder})") from error
        write_json(folder / _SYNTH, resources_record(accelerator.manifest, found))
    return found


def _check(verify: int, waves: Path | None) -> None:
    if verify < 1:
        raise SettingError(f"verify {verify}: give at least 1 image", "verify")
    if waves and waves.suffix not in _WAVES:
        raise SettingError(f"trace {waves}: name a .fst or .vcd file", "trace")
    check_place(waves, "trace")


def _identifier(stem: str) -> str:
    name = re.sub(r"\W", "_", stem, flags=re.ASCII)
    return name if name[:1].isalpha() else f"model_{name}"


def _images(path: Path | str | None, count: int, network: IntegerNetwork) -> Images:
    if path is None:
        noise = np.random.default_rng(0)
        return noise.integers(0, 256, (count, *network.input_shape), dtype=np.uint8)
    images = as_pixels(read_images(path)[:count], network.input_shape, network.preprocessing)
    if len(images) < 1:
        raise FlowError(f"{path}: holds no images; give at least one")
    return images
