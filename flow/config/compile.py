# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The accelerator of a run."""

from typing import Annotated

from pydantic import Field

from flow.config.section import Positive, Section

__all__ = ["CompileConfig", "FoldingConfig"]


class FoldingConfig(Section):
    """Parallelism of one MVAU: PE output channels and SIMD inputs a cycle."""

    pe: Positive
    simd: Positive


class CompileConfig(Section):
    """The accelerator: the part, its clock, and how far each layer is unfolded."""

    part: str = "xc7z020clg400-1"  # PYNQ-Z1
    clock_mhz: Annotated[float, Field(gt=0, le=1000)] = 100.0
    target_fps: Annotated[float, Field(gt=0)] | None = 10_000.0
    # by matrix layer (MVAU_rtl_0, ...); over target_fps
    folding: dict[str, FoldingConfig] = Field(default_factory=dict)
    lut_per_dsp: Annotated[float, Field(gt=0)] | None = None  # worth of a DSP; by the part if null
