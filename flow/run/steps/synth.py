# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Count the accelerator's resources with Yosys."""

from pathlib import Path

from flow.compile import resources_record, synthesize_shown
from flow.run.pipeline import Context, Settings, Step
from flow.run.results import Synthesised
from hw.accelerator import Accelerator

__all__ = ["SynthStep"]


class SynthStep(Step):
    """accelerator/ -> synth.json."""

    name = "synth"
    needs = ("compile",)
    tools = ("pyosys",)

    def settings(self, context: Context) -> Settings:
        """Return the part."""
        return {"part": context.config.compile.part}

    def run(self, context: Context, folder: Path, scratch: Path) -> None:  # noqa: ARG002
        """Synthesise every layer; equal layers are synthesised once a machine."""
        accelerator = Accelerator.load(context.folder("compile") / "accelerator")
        found = synthesize_shown(accelerator)
        Synthesised.model_validate(resources_record(accelerator.manifest, found)).save(folder)
