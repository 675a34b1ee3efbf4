# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Files that are complete or absent, and JSON that any reader takes."""

import contextlib
import json
import math
from collections.abc import Mapping
from pathlib import Path

__all__ = ["json_text", "replace_file"]


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
