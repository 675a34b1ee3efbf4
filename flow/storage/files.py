# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Files that are complete or absent, and JSON that any reader takes."""

import contextlib
import json
import math
import os
from collections.abc import Mapping
from pathlib import Path

from flow.errors import SettingError

__all__ = ["check_place", "json_text", "replace_file", "write_output"]


def json_text(value: object, *, indent: int = 1, sort_keys: bool = False) -> str:
    """Return a document that every JSON reader takes: what is no finite number becomes null."""
    plain = _without_nan(value)
    return json.dumps(plain, indent=indent, sort_keys=sort_keys, allow_nan=False) + "\n"


def _without_nan(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def check_place(path: Path | None, setting: str) -> None:
    """Refuse, before anything is computed, what write_output could not write.

    Raises:
        SettingError: naming the folder.
    """
    if path is None:
        return
    folder = path.parent
    if path.is_dir():
        problem = "is a folder; name a file"
    elif not folder.is_dir():
        problem = f"there is no folder {folder}; make it first"
    elif not os.access(folder, os.W_OK | os.X_OK, effective_ids=True):
        problem = f"the folder {folder} cannot be written; choose another"
    else:
        return
    raise SettingError(f"{setting} {path}: {problem}", setting)


def write_output(path: Path, content: bytes, setting: str) -> None:
    """Write the file that a setting names; it is whole or as it was before.

    Raises:
        SettingError: it cannot be written.
    """
    try:
        replace_file(path, content)
    except OSError as error:
        raise SettingError(
            f"{setting} {path}: cannot be written ({error.strerror}); choose another place", setting
        ) from error


def replace_file(path: Path, content: bytes) -> None:
    """Write a file so that a kill leaves the old content or the new; a failure leaves no rest.

    Raises:
        OSError: the file cannot be written.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    finally:
        with contextlib.suppress(OSError):
            part.unlink()
