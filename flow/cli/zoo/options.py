# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Options that several of the zoo's commands have."""

import argparse
from pathlib import Path

from flow.cli.base import add_data

__all__ = [
    "add_folder",
    "add_measured",
    "add_name",
    "chosen_folder",
]


def add_name(parser: argparse.ArgumentParser) -> None:
    """Declare the network."""
    parser.add_argument("name", metavar="NAME", help="of a network; steelflow zoo list has them")


def add_folder(parser: argparse.ArgumentParser) -> None:
    """Declare --folder."""
    parser.add_argument(
        "--folder",
        metavar="DIR",
        type=Path,
        help="of weights and cards, where zoo train has put them (default: the package's)",
    )


def add_measured(parser: argparse.ArgumentParser) -> None:
    """Declare the folders, and where figures are written."""
    add_data(parser)
    add_folder(parser)
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the figures there")
    parser.add_argument("--write", action="store_true", help="write the figures into the card")


def chosen_folder(options: argparse.Namespace) -> Path:
    """Return the folder of weights and cards."""
    from brevitas_models.pretrained import FOLDER  # noqa: PLC0415 - imports torch

    return FOLDER if options.folder is None else Path(options.folder)
