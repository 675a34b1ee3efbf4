# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""`steelflow package`: an accelerator as a kernel, with all that its board's host needs."""

import argparse
import shlex
from dataclasses import dataclass
from pathlib import Path

from flow.cli.base import Command, shown

__all__ = ["COMMAND"]

_IMAGES = 64


@dataclass(frozen=True)
class PackageCommand(Command):
    """Write the file for a board."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Declare the folder, the board and the images."""
        parser.add_argument("folder", type=Path, help="what compile has written")
        parser.add_argument(
            "--board", default="virtual", help="board, as pynq-z2 or u250 (default: virtual)"
        )
        parser.add_argument(
            "--images",
            metavar="FILE",
            type=Path,
            help=f".npy of uint8[N, H, W, C] to check the board with (default: {_IMAGES} of noise)",
        )
        parser.add_argument(
            "--bitstream",
            metavar="DIR",
            type=Path,
            help="what `bitstream` has written for this board; its product goes along (default: "
            "FOLDER/bitstream-BOARD where that is)",
        )
        parser.add_argument(
            "--output",
            metavar="PATH",
            type=Path,
            help="a file NAME.tar.gz, or else a folder (default: FOLDER/package-BOARD.tar.gz)",
        )

    def run(self, options: argparse.Namespace) -> int:
        """Write it, and say what to do there."""
        import numpy as np  # noqa: PLC0415

        from flow.classifier import check_images  # noqa: PLC0415
        from flow.compile.opening import open_accelerator  # noqa: PLC0415 - imports torch
        from flow.compile.package import board_kind, write_package  # noqa: PLC0415
        from flow.engines.simulation import read_images  # noqa: PLC0415
        from flow.environment import cache_folder  # noqa: PLC0415
        from flow.storage.archive import ARCHIVE_SUFFIX  # noqa: PLC0415

        kind = board_kind(options.board)
        opened = open_accelerator(options.folder)
        shape = opened.accelerator.manifest.input.shape
        noise = np.random.default_rng(0).integers(0, 256, (_IMAGES, *shape), dtype=np.uint8)
        images = noise if options.images is None else read_images(options.images)
        check_images(images, shape)
        target = options.output or options.folder / f"package-{kind.name}{ARCHIVE_SUFFIX}"
        bitstream = options.bitstream or options.folder / f"bitstream-{kind.name}"
        with_it = options.bitstream is not None or (bitstream / "products").is_dir()
        written = write_package(
            opened,
            images,
            target,
            board=options.board,
            build_dir=cache_folder() / "verilator",
            bitstream=bitstream if with_it else None,
        )
        print(f"package: {shown(written)}; there: {_commands(written, kind.name)}")
        if not with_it and kind.board:
            print(
                f"package: holds no bitstream, as {shown(bitstream)} has none; build it by "
                f"`steelflow bitstream`, or put {kind.product} beside board.json"
            )
        return 0


def _commands(written: Path, board: str) -> str:
    """Return what is to be typed on the board's host, where the file or the folder was copied."""
    if written.is_dir():
        return "python3 -m runner check ."
    unpack = f"python3 -m tarfile -e {shlex.quote(written.name)}"
    return f"{unpack} && cd package-{board} && python3 -m runner check ."


COMMAND = PackageCommand(name="package", help="a kernel with all that its board's host needs")
