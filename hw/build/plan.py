# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What a build is: files and a command, as a value with a digest."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from hw.errors import HardwareError

__all__ = ["PYTHON", "BuildPlan"]

PYTHON = "python3"  # as a command's first word: the interpreter that the runner has


@dataclass(frozen=True, kw_only=True)
class BuildPlan:
    """Files, and a command that turns them into products in the same folder.

    The command sees nothing else: no other folder, no path of this machine among the files. So the
    plan can run here, in a container, on another machine or in a queue, and two plans with one
    digest have the same products.

    Attributes:
        subject: what is built, for errors.
        files: path relative to the folder -> content.
        command: words; the first is a tool on the PATH, or PYTHON.
        products: paths of the files that it makes, relative to the folder.
        tools: name -> version of all that runs, as part of the digest.
        needs: name of a folder -> a plan whose products lie there before the command runs.
        locations: environment variables that say where tools are on this machine; no part of the
            digest, and another runner has its own.
        name: prefix of the products' folder, for people.
    """

    subject: str
    files: Mapping[str, bytes]
    command: tuple[str, ...]
    products: tuple[str, ...]
    tools: Mapping[str, str] = field(default_factory=dict)
    needs: Mapping[str, "BuildPlan"] = field(default_factory=dict)
    locations: Mapping[str, str] = field(default_factory=dict)
    name: str = ""

    def __post_init__(self) -> None:
        for path in (*self.files, *self.products, *self.needs):
            pure = PurePosixPath(path)
            if pure.is_absolute() or ".." in pure.parts or not pure.parts:
                raise HardwareError(
                    f"{self.subject}: {path!r} is outside of the build's folder; name it by a "
                    "relative path"
                )

    @property
    def digest(self) -> str:
        """Return the sha256 of all that the products depend on, as hexadecimal digits."""
        total = hashlib.sha256()
        for name, content in self.files.items():
            total.update(name.encode() + b"\0" + hashlib.sha256(content).digest())
        rest = {
            "command": self.command,
            "products": self.products,
            "tools": dict(self.tools),
            "needs": {name: plan.digest for name, plan in self.needs.items()},
        }
        total.update(json.dumps(rest, sort_keys=True).encode())
        return total.hexdigest()

    @property
    def key(self) -> str:
        """Return the name of the products' folder."""
        return f"{self.name}-{self.digest[:24]}" if self.name else self.digest[:32]

    def write(self, folder: Path) -> None:
        """Write the files into an existing folder."""
        for name, content in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
