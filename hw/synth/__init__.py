# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Synthesis with Yosys: LUT, FF, DSP and BRAM of an accelerator, layer by layer."""

from hw.synth.report import Finished, LayerResources, SynthesisReport, synthesize
from hw.synth.resources import Resources
from hw.synth.yosys import synthesize_module

__all__ = [
    "Finished",
    "LayerResources",
    "Resources",
    "SynthesisReport",
    "synthesize",
    "synthesize_module",
]
