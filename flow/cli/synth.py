# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""`steelflow synth`: of a run, or of the accelerator in a folder."""

import argparse
from dataclasses import dataclass
from pathlib import Path

from flow.cli.accelerator import names_folder, refuse_folder_options
from flow.cli.base import Command, StepCommand
from flow.cli.json_file import check_json, write_json

__all__ = ["COMMAND"]

_STEP = StepCommand(
    name="synth",
    help="count LUT, FF, DSP and BRAM of each layer with Yosys",
    target="synth",
    result="synth",
)


@dataclass(frozen=True)
class SynthCommand(Command):
    """The step of a run for CONFIG.yaml; a table for a FOLDER that holds an accelerator."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Declare the step's options and those of a folder."""
        _STEP.add_options(parser, source="CONFIG or FOLDER")
        parser.add_argument(
            "--json", type=Path, metavar="FILE", help="of a FOLDER: write the figures there too"
        )

    def run(self, options: argparse.Namespace) -> int:
        """Bring the step up to date, or count what the folder's accelerator takes."""
        if names_folder(options):
            return _synthesise(options)
        refuse_folder_options(options, ("json",))
        return _STEP.run(options)


def _synthesise(options: argparse.Namespace) -> int:
    from flow.compile import (  # noqa: PLC0415 - imports torch and FINN
        layer_table,
        open_accelerator,
        resource_table,
        resources_record,
        synthesize_shown,
    )

    check_json(options.json)
    accelerator = open_accelerator(options.config).accelerator
    found = synthesize_shown(accelerator, timeout_s=3600)
    for line in (*layer_table(found), "", *resource_table(accelerator.manifest, found)):
        print(line)
    write_json(options.json, resources_record(accelerator.manifest, found))
    return 0


COMMAND = SynthCommand(name=_STEP.name, help=_STEP.help)
