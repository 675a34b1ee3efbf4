# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Options that several of the zoo's commands have."""

import argparse
import json
from pathlib import Path
from typing import Any

from flow._files import replace_file
from flow.cli.base import add_data
from flow.errors import FlowError

__all__ = [
    "add_folder",
    "add_measured",
    "add_name",
    "check_json",
    "chosen_folder",
    "write_json",
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


def check_json(path: Path | None) -> None:
    """Refuse, before anything is measured, what can hold no file.

    Raises:
        FlowError: naming the folder.
    """
    if path is not None and not path.parent.is_dir():
        raise FlowError(f"--json {path}: there is no folder {path.parent}; make it first")
    if path is not None and path.is_dir():
        raise FlowError(f"--json {path}: is a folder; name a file")


def write_json(path: Path | None, record: dict[str, Any]) -> None:
    """Write the figures, if they are wanted.

    Raises:
        FlowError: the file cannot be written.
    """
    if path is None:
        return
    try:
        replace_file(path, (json.dumps(record, indent=1) + "\n").encode())
    except OSError as error:
        raise FlowError(
            f"--json {path}: cannot be written ({error.strerror}); choose another place"
        ) from error
