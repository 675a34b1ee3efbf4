# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""One digest over a folder of files and its manifest."""

import hashlib
import json
from pathlib import Path
from typing import Any

__all__ = ["folder_checksum"]


def folder_checksum(folder: Path, manifest_file: str, manifest: dict[str, Any]) -> str:
    """Return the sha256 over all files but the manifest file, and the manifest less its checksum.

    Hashed are, in order of the relative POSIX path, the path, a NUL and the sha256 of the bytes,
    then the manifest as compact JSON with sorted keys; so it does not depend on where the folder
    lies or on the manifest's white space.
    """
    total = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        if name != manifest_file:
            total.update(name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    body = {key: value for key, value in manifest.items() if key != "checksum"}
    total.update(json.dumps(body, sort_keys=True, separators=(",", ":")).encode())
    return total.hexdigest()
