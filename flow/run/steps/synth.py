# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Count the accelerator's resources with Yosys."""

from pathlib import Path
from typing import Any

from flow.progress import meter
from flow.run.pipeline import Context, Settings, Step
from flow.storage.records import write_json
from hw.accelerator import Accelerator
from hw.synth import Resources, SynthesisReport, synthesize

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
        """Synthesise every layer; equal layers are synthesised once."""
        accelerator = Accelerator.load(context.folder("compile") / "accelerator")
        with meter("synthesis", unit="modules") as report:
            found = synthesize(
                accelerator,
                build_dir=context.cache("synth"),
                progress=lambda _name, done, count: report(done, count),
            )
        write_json(folder / "synth.json", _as_json(found))


def _as_json(found: SynthesisReport) -> dict[str, Any]:
    """Return hardware.resources and hardware.capacity of report.json, see flow.report.schema."""
    part = found.part
    return {
        "resources": {
            **_counts(found.total),
            "per_layer": [
                {
                    "name": layer.name,
                    "op_type": layer.op_type,
                    **_counts(layer.resources),
                    "estimate": {
                        "lut": layer.estimate.lut,
                        "dsp": layer.estimate.dsp,
                        "bram36": layer.estimate.bram18 / 2,
                    },
                }
                for layer in found.layers
            ],
        },
        "capacity": {"lut": part.lut, "ff": part.ff, "dsp": part.dsp, "bram36": part.bram36},
    }


def _counts(resources: Resources) -> dict[str, int | float]:
    return {
        "lut": resources.lut,
        "lut_memory": resources.lut_memory,
        "ff": resources.ff,
        "dsp": resources.dsp,
        "bram36": resources.bram36,
    }
