# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""`steelflow zoo build`."""

import argparse
from dataclasses import asdict, dataclass, replace

from flow.cli.base import Command, add_target
from flow.cli.json_file import check_json, write_json
from flow.cli.zoo.options import add_measured, add_name, chosen_folder

__all__ = ["ACTION"]


@dataclass(frozen=True)
class BuildCommand(Command):
    """Build a network's accelerator and print its figures beside those of the card."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Declare the target, the folders and what is written."""
        add_name(parser)
        add_target(parser, fps="by the network, 500 to 100,000")
        parser.add_argument(
            "--images",
            type=int,
            metavar="N",
            help="test images through the RTL (default: by the network, 8 to 1000)",
        )
        add_measured(parser)

    def run(self, options: argparse.Namespace) -> int:
        """Build, print, write."""
        check_json(options.json)
        from brevitas_models.pretrained import card, save_card  # noqa: PLC0415 - imports torch
        from flow.zoo.entries import entry  # noqa: PLC0415 - imports torch
        from flow.zoo.hardware import build  # noqa: PLC0415 - imports FINN
        from flow.zoo.tables import hardware_table  # noqa: PLC0415 - imports torch

        folder = chosen_folder(options)
        found = card(options.name, folder)
        target = entry(options.name).target.changed(
            part=options.part,
            clock_mhz=options.clock_mhz,
            frames_per_second=options.fps,
            images=options.images,
        )
        measured = build(options.name, target, options.data, folder=folder)
        print(hardware_table(found, measured))
        write_json(options.json, {"name": found.name, **asdict(measured)})
        if options.write:
            save_card(replace(found, hardware=measured), folder)
        return 0


ACTION = BuildCommand(
    name="build",
    help="compile a network to RTL, check test images in simulation, and count what it costs",
)
