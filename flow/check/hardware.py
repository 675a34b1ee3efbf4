# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The accelerator of a model file: its frame rate and its size."""

from pathlib import Path

from flow.check.limits import Found, Name
from flow.compile import compile_model
from flow.config import CompileConfig
from flow.errors import SettingError
from flow.lowering import InputEncoding

__all__ = ["measure_hardware"]


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
            that cannot be used; a part whose LUT Yosys cannot count.
        HardwareError: an unknown part, or a tool that fails.
    """
    compiled = compile_model(model, folder, config, encoding=encoding, synthesis=lut)
    manifest, rate = compiled.accelerator.manifest, compiled.run.frames_per_second
    place = f"{manifest.part} at {manifest.clock_mhz:g} MHz"
    found: dict[Name, Found] = {"fps": Found(rate, f"RTL simulation, {place}")}
    if not lut:
        return found
    if compiled.synthesis is None:
        raise SettingError(
            f"max_lut: Yosys does not know the family of {manifest.part}; leave this limit out",
            "max_lut",
        )
    counted = Found(compiled.synthesis.total.lut, f"Yosys, not placed, {manifest.part}")
    return found | {"lut": counted}
