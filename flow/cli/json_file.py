# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The file that --json names."""

from pathlib import Path

from flow.storage.files import check_place, json_text, write_output

__all__ = ["check_json", "write_json"]


def check_json(path: Path | None) -> None:
    """Refuse, before anything is measured, what can hold no file.

    Raises:
        SettingError: naming the folder.
    """
    check_place(path, "json")


def write_json(path: Path | None, record: object) -> None:
    """Write the figures, if they are wanted.

    Raises:
        SettingError: the file cannot be written.
    """
    if path is not None:
        write_output(path, json_text(record).encode(), "json")
