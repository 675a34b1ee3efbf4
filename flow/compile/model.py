# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A QONNX file of the user's own, compiled and checked into a folder of its own."""

import re
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from flow.classifier import Images
from flow.compile.check import RtlCheck, check_in_rtl
from flow.compile.network import compile_network
from flow.compile.result_folder import CACHE, new_results
from flow.config import CompileConfig
from flow.engines.simulation import as_pixels, read_images
from flow.errors import FlowError, SettingError
from flow.integer import IntegerNetwork
from flow.lowering import InputEncoding, Lowered, lower, read_model
from flow.storage.records import write_json
from hw.accelerator import Accelerator
from hw.verilator.simulation import Simulation, Waveforms

__all__ = ["ACCELERATOR", "NETWORK", "CompiledModel", "compile_model"]

ACCELERATOR, NETWORK = "accelerator", "network.npz"  # names in the folder
_RECORD = "compile.json"
_RESULTS = (ACCELERATOR, NETWORK, "dataflow.onnx", "folding.json", _RECORD)
_WAVES = (".fst", ".vcd")


@dataclass(frozen=True, kw_only=True)
class CompiledModel:
    """What compile_model has left in its folder.

    Attributes:
        folder: with accelerator/, network.npz, dataflow.onnx, folding.json and compile.json.
        accelerator: with FIFO depths from simulation.
        lowered: the integers that it computes, and what was assumed or rounded on the way.
        check: the images that went through the RTL.
    """

    folder: Path
    accelerator: Accelerator
    lowered: Lowered
    check: RtlCheck


def compile_model(
    model: Path | str,
    folder: Path | str,
    config: CompileConfig,
    *,
    encoding: InputEncoding | None = None,
    images: Path | str | None = None,
    verify: int = 4,
    label: bool = False,
    trace: Path | str | None = None,
    on_lowered: Callable[[Lowered], None] = lambda _: None,
) -> CompiledModel:
    """Compile a QONNX file and check the RTL; the folder is as it was before until all is done.

    Args:
        model: the file.
        folder: of the results; those of an earlier compilation are replaced.
        config: part, clock and folding.
        encoding: the model's input for a uint8 pixel; see lower.
        images: .npy of images to check the RTL with, as for simulate; noise by default.
        verify: how many images the RTL sees, at least 1.
        label: end with an argmax in hardware.
        trace: .fst or .vcd file that gets the waveforms of the first image.
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
        lowered = lower(read_model(model), input_encoding=encoding)
        on_lowered(lowered)
        network = lowered.network
        network.save(new / NETWORK)
        pixels = _images(images, verify, network)
        build_dir = folder / CACHE / "verilator"
        accelerator = compile_network(
            network,
            config,
            new,
            name=_identifier(model.stem),
            scratch=scratch,
            build_dir=build_dir,
            label=label,
        )
        seconds = time.perf_counter() - start
        check = check_in_rtl(accelerator, network, pixels, build_dir=build_dir)
        if waves is not None:
            Simulation(accelerator, build_dir=build_dir).run(pixels[:1], waveforms=Waveforms(waves))
        write_json(new / _RECORD, {"model": str(model), **_record(lowered, check, seconds)})
    return CompiledModel(
        folder=folder,
        accelerator=Accelerator.load(folder / ACCELERATOR),
        lowered=lowered,
        check=check,
    )


def _record(lowered: Lowered, check: RtlCheck, seconds: float) -> dict[str, Any]:
    manifest, network = check.accelerator.manifest, lowered.network
    assert network.preprocessing is not None, "lowering says what the input is"
    return {
        "part": manifest.part,
        "clock_mhz": manifest.clock_mhz,
        "input": {
            "image": network.input_shape,
            "preprocessing": asdict(network.preprocessing),
            "assumed": lowered.assumed,
        },
        "logits": {"scale": network.scale, "offset": network.offset},
        "notes": lowered.notes,
        "compile_s": seconds,
        "integer_vs_rtlsim": asdict(check.agreement),
        "cycles_predicted": manifest.cycles_per_frame_predicted,
        "cycles_measured": check.cycles_per_frame,
        "frames_per_second": check.frames_per_second,
    }


def _check(verify: int, waves: Path | None) -> None:
    if verify < 1:
        raise SettingError(f"verify {verify}: give at least 1 image", "verify")
    if waves and waves.suffix not in _WAVES:
        raise SettingError(f"trace {waves}: name a .fst or .vcd file", "trace")
    if waves and not waves.parent.is_dir():
        raise SettingError(f"trace {waves}: there is no folder {waves.parent}", "trace")


def _identifier(stem: str) -> str:
    name = re.sub(r"\W", "_", stem, flags=re.ASCII)
    return name if name[:1].isalpha() else f"model_{name}"


def _images(path: Path | str | None, count: int, network: IntegerNetwork) -> Images:
    if path is None:
        noise = np.random.default_rng(0)
        return noise.integers(0, 256, (count, *network.input_shape), dtype=np.uint8)
    images = as_pixels(read_images(path)[:count], network)
    if len(images) < 1:
        raise FlowError(f"{path}: holds no images; give at least one")
    return images
