# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The accelerator of a model file: its frame rate and its size."""

from pathlib import Path

from flow.check.limits import Found, Name
from flow.compile import compile_model
from flow.config import CompileConfig
from flow.environment import cache_folder
from flow.lowering import InputEncoding
from flow.progress import meter
from hw.accelerator import Accelerator
from hw.synth import synthesize

__all__ = ["measure_hardware"]

_LAYER_S = 3600.0  # for the synthesis of one


def measure_hardware(
    model: Path,
    folder: Path,
    config: CompileConfig,
    encoding: InputEncoding | None,
    *,
    lut: bool,
) -> dict[Name, Found]:
    """Compile, send images of noise through the RTL, and count LUT with Yosys if asked for.

    Raises:
        FlowError: nodes that cannot be compiled; an RTL that differs from the integers; a folder
            that cannot be used.
        HardwareError: an unknown part, or a tool that fails.
    """
    compiled = compile_model(model, folder, config, encoding=encoding)
    manifest, rate = compiled.accelerator.manifest, compiled.check.frames_per_second
    place = f"{manifest.part} at {manifest.clock_mhz:g} MHz"
    found: dict[Name, Found] = {"fps": Found(rate, f"RTL simulation, {place}")}
    if lut:
        counted = _lut(compiled.accelerator)
        found["lut"] = Found(counted, f"Yosys, not placed, {manifest.part}")
    return found


def _lut(accelerator: Accelerator) -> int:
    with meter("synthesis", unit="modules") as report:
        found = synthesize(
            accelerator,
            build_dir=cache_folder() / "synth",
            progress=lambda _name, done, count: report(done, count),
            timeout_s=_LAYER_S,
        )
    return found.total.lut
