# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""`steelflow synth`: of a run, or of the accelerator in a folder."""

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from flow.cli.accelerator import names_folder, refuse_folder_options
from flow.cli.base import StepCommand
from flow.cli.json_file import check_json, write_json
from flow.errors import SettingError

if TYPE_CHECKING:
    from flow.compile import OpenedAccelerator
    from hw.accelerator import Accelerator

__all__ = ["COMMAND"]


@dataclass(frozen=True)
class SynthCommand(StepCommand):
    """The step of a run for CONFIG.yaml; a table for a FOLDER that holds an accelerator."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Declare the step's options and those of a folder."""
        super().add_options(parser)
        parser.add_argument(
            "--json", type=Path, metavar="FILE", help="of a FOLDER: write the figures there too"
        )
        parser.add_argument(
            "--timing",
            action="store_true",
            default=None,
            help="of a FOLDER, 7 series: levels, fan-out and delay of each layer's longest path "
            "before placement, and the clock that they allow",
        )
        parser.add_argument(
            "--gates",
            type=int,
            metavar="N",
            help="of a FOLDER, 7 series: send N images through the netlist of the whole kernel, "
            "and compare with the integers",
        )
        parser.add_argument(
            "--images",
            metavar="FILE",
            type=Path,
            help="for --gates: the first N images of this .npy (default: noise)",
        )

    def run(self, options: argparse.Namespace) -> int:
        """Bring the step up to date, or count what the folder's accelerator takes."""
        if names_folder(options):
            return _synthesise(options)
        refuse_folder_options(options, ("json", "timing", "gates", "images"))
        return super().run(options)


def _synthesise(options: argparse.Namespace) -> int:
    from flow.compile import (  # noqa: PLC0415 - imports torch and FINN
        layer_table,
        open_accelerator,
        resource_table,
        resources_record,
        synthesize_shown,
    )

    check_json(options.json)
    if options.gates is not None and options.gates < 1:
        raise SettingError(f"gates {options.gates}: is not 1 or more; give 8 or so", "gates")
    opened = open_accelerator(options.config)
    accelerator = opened.accelerator
    found = synthesize_shown(accelerator, timeout_s=3600)
    for line in (*layer_table(found), "", *resource_table(accelerator.manifest, found)):
        print(line)
    write_json(options.json, resources_record(accelerator.manifest, found))
    if options.timing:
        _time(accelerator)
    return _check_gates(opened, options) if options.gates else 0


def _time(accelerator: "Accelerator") -> None:
    from flow.compile.clock import time_kernel, timing_table  # noqa: PLC0415

    paths = time_kernel(accelerator, timeout_s=3600)
    print("\n".join(["", *timing_table(paths, accelerator.manifest.clock_mhz)]))


def _check_gates(opened: "OpenedAccelerator", options: argparse.Namespace) -> int:
    from flow.compile.gates import check_kernel_gates, gate_images  # noqa: PLC0415

    shape = opened.accelerator.manifest.input.shape
    images = gate_images(options.images, options.gates, shape)
    checked = check_kernel_gates(opened, images, timeout_s=3600)
    print(checked.line())
    return int(checked.wrong > 0)


COMMAND = SynthCommand(
    name="synth",
    help="count LUT, FF, DSP and BRAM of each layer with Yosys",
    source="CONFIG or FOLDER",
)
