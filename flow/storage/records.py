# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What `step.json` holds: what a step was made from, and the checksums of what it wrote."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from flow.storage.files import json_text, replace_file

__all__ = ["RECORD_NAME", "Fingerprint", "StepRecord", "checksums", "sha256", "write_json"]

RECORD_NAME = "step.json"


@dataclass(frozen=True, kw_only=True)
class Fingerprint:
    """Everything that a step's outputs depend on; equal fingerprints mean equal outputs."""

    step: str
    version: int  # of the step's code
    settings: Mapping[str, Any]  # JSON values
    inputs: Mapping[str, str]  # label -> sha256
    tools: Mapping[str, str]  # distribution -> version

    @property
    def digest(self) -> str:
        """Return the sha256 of the fingerprint as canonical JSON, in 64 hex digits."""
        text = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


class StepRecord(BaseModel):
    """The finished step: its fingerprint, its files and how long it took."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: str
    digest: str
    version: int
    settings: dict[str, Any]
    inputs: dict[str, str]
    tools: dict[str, str]
    outputs: dict[str, str]  # path relative to the step's folder -> sha256
    seconds: float  # of the attempt that finished, see `resumed`
    resumed: bool  # an earlier, interrupted attempt had left state to go on from

    @classmethod
    def load(cls, folder: Path) -> "StepRecord | None":
        """Return the record in a step's folder, or None where there is none that can be read."""
        try:
            return cls.model_validate_json((folder / RECORD_NAME).read_bytes())
        except (FileNotFoundError, NotADirectoryError, ValidationError):
            return None

    def damaged(self, folder: Path) -> list[str]:
        """Return the recorded outputs that are missing from the folder or have other content."""
        return [
            name
            for name, expected in self.outputs.items()
            if not (folder / name).is_file() or sha256(folder / name) != expected
        ]

    def difference(self, now: Fingerprint) -> str:
        """Return in words what differs between this record and `now`; "" when nothing does."""
        if self.digest == now.digest:
            return ""
        parts = [
            f"{what} changed: {', '.join(names)}"
            for what, names in (
                ("settings", _changed(self.settings, now.settings)),
                ("inputs", _changed(self.inputs, now.inputs)),
                ("tools", _changed(self.tools, now.tools)),
            )
            if names
        ]
        return "; ".join(parts) or "the code of the step changed"


def sha256(path: Path) -> str:
    """Return the sha256 of a file's content in 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def checksums(folder: Path) -> dict[str, str]:
    """Return the sha256 of every file below the folder but its record, by relative path."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    named = {path.relative_to(folder).as_posix(): path for path in files}
    return {name: sha256(path) for name, path in named.items() if name != RECORD_NAME}


def write_json(path: Path, value: object) -> None:
    """Write a JSON file so that a kill leaves either the old content or the new one.

    What is no finite number becomes null, as JSON has no other word for it.
    """
    replace_file(path, json_text(value, indent=2, sort_keys=True).encode())


def _changed(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    keys = sorted(before.keys() | now.keys())
    return [key for key in keys if before.get(key) != now.get(key)]
