# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The file that --json names."""

from pathlib import Path

from flow.errors import FlowError
from flow.storage.files import json_text, replace_file

__all__ = ["check_json", "write_json"]


def check_json(path: Path | None) -> None:
    """Refuse, before anything is measured, what can hold no file.

    Raises:
        FlowError: naming the folder.
    """
    if path is not None and not path.parent.is_dir():
        raise FlowError(f"--json {path}: there is no folder {path.parent}; make it first")
    if path is not None and path.is_dir():
        raise FlowError(f"--json {path}: is a folder; name a file")


def write_json(path: Path | None, record: object) -> None:
    """Write the figures, if they are wanted.

    Raises:
        FlowError: the file cannot be written.
    """
    if path is None:
        return
    try:
        replace_file(path, json_text(record).encode())
    except OSError as error:
        raise FlowError(
            f"--json {path}: cannot be written ({error.strerror}); choose another place"
        ) from error
