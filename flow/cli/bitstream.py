# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""`steelflow bitstream`: an accelerator as a bitstream for a board."""

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from flow.cli.base import Command, StepCommand, shown
from flow.environment import data_folder

if TYPE_CHECKING:
    from flow.compile.bitstream import Bitstream
    from flow.compile.opening import OpenedAccelerator
    from hw.boards import BoardSettings

__all__ = ["COMMAND"]


@dataclass(frozen=True)
class BitstreamCommand(Command):
    """Plan and build an accelerator's bitstream, and check its gates where that is possible."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Declare the folder, the board, what is built, where, and what is to be done with it."""
        parser.add_argument(
            "folder",
            metavar="CONFIG or FOLDER",
            type=Path,
            help="YAML file of a run, which is brought to its accelerator in build/NAME, or what "
            "compile has written",
        )
        parser.add_argument("--board", required=True, help="board, as ulx3s-85f; see `boards`")
        parser.add_argument("--plan-only", action="store_true", help="write the plan, run no tool")
        parser.add_argument(
            "--output",
            metavar="DIR",
            type=Path,
            help="default: bitstream-BOARD in FOLDER, or in build/NAME",
        )
        _add_design(parser)
        _add_place(parser)
        _add_gates(parser)

    def run(self, options: argparse.Namespace) -> int:
        """Write the plan; build it and say what came out."""
        from flow.compile.bitstream import build_bitstream, plan_bitstream  # noqa: PLC0415
        from flow.compile.opening import open_accelerator  # noqa: PLC0415 - imports torch
        from hw.boards import find_board  # noqa: PLC0415

        board, settings = find_board(options.board), _settings(options)
        source = _brought(options) if options.folder.is_file() else options.folder
        opened = open_accelerator(source)
        folder = options.output or source / f"bitstream-{board.name}"
        if options.plan_only:
            _, plan = plan_bitstream(opened, board, settings, folder)
            print(f"bitstream: plan {plan.digest[:24]} in {shown(folder / 'plan')}")
            return 0
        found = build_bitstream(
            opened, board, settings, folder, place=options.on, timeout_s=options.timeout
        )
        print("\n".join(found.report.lines(found.beside)))
        print(f"bitstream: {shown(folder / 'products' / found.report.bitstream)}")
        return _check_gates(options, opened, found) if options.gates else 0


def _settings(options: argparse.Namespace) -> "BoardSettings":
    from hw.boards import BoardSettings  # noqa: PLC0415

    return BoardSettings(
        clock_mhz=options.clock_mhz,
        lower_clock=not options.exact_clock,
        attempts=options.attempts,
        compute_units=options.compute_units,
    )


def _check_gates(
    options: argparse.Namespace, opened: "OpenedAccelerator", found: "Bitstream"
) -> int:
    """Send images through the placed gates; return 1 if any value is not the integers'."""
    from flow.compile.bitstream import check_gates  # noqa: PLC0415
    from flow.compile.gates import gate_images  # noqa: PLC0415

    shape = opened.accelerator.manifest.input.shape
    checked = check_gates(opened, found, gate_images(options.images, options.gates, shape))
    print(checked.line())
    return int(checked.wrong > 0)


def _add_design(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--clock-mhz",
        type=float,
        metavar="MHZ",
        help="clock to ask for (default: the one that was compiled for)",
    )
    parser.add_argument(
        "--exact-clock",
        action="store_true",
        help="fail where timing does not allow that clock (default: take the most it allows)",
    )
    parser.add_argument(
        "--attempts",
        type=int,
        default=3,
        metavar="N",
        help="placements to try for a clock (default: 3)",
    )
    parser.add_argument(
        "--compute-units",
        type=int,
        default=1,
        metavar="N",
        help="copies of the kernel on an Alveo card, 1 to 4, which share the images (default: 1)",
    )


def _add_place(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--on",
        default="local",
        metavar="PLACE",
        help="where the tools run: local, container:IMAGE, ssh:HOST, slurm:FILE with #SBATCH "
        "lines (default: local)",
    )
    parser.add_argument("--timeout", type=float, metavar="S", help="limit for the tools in seconds")


def _add_gates(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--gates",
        type=int,
        default=0,
        metavar="N",
        help="send N images to the placed gates in simulation, and compare (default: 0)",
    )
    parser.add_argument(
        "--images",
        metavar="FILE",
        type=Path,
        help="for --gates: the first N images of this .npy (default: noise)",
    )


def _brought(options: argparse.Namespace) -> Path:
    """Bring a configuration's run to its accelerator; return its workspace."""
    step = StepCommand(name="compile", help="")
    given = {"command": options.command, "config": options.folder, "data": data_folder()}
    return step.bring(argparse.Namespace(**given, zoo=None, output=None))


COMMAND = BitstreamCommand(name="bitstream", help="build the bitstream of a board")
