# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What the driver must know of a kernel: the part of kernel.json that concerns it."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import BoardError

__all__ = ["Description"]

SCHEMA = 1


@dataclass(frozen=True)
class Description:
    """A kernel, as its kernel.json describes it.

    Attributes:
        digest: 16 bytes that the kernel must show.
        image_shape: (H, W, C) of uint8 images.
        outputs: int32 words of an image: logits, or one label.
        output: "logits" or "label".
        logit_scale, logit_offset: float logit = logit_scale * integer logit + logit_offset of the
            class; no offsets for a label.
        part: the FPGA part that it was compiled for.
        clock_mhz: the clock that it was compiled for.
        cycles_per_frame: of the accelerator alone.
        watchdog_cycles: after which the kernel gives up.
    """

    name: str
    digest: bytes
    image_shape: tuple[int, int, int]
    outputs: int
    output: str
    logit_scale: float
    logit_offset: tuple[float, ...]
    part: str
    clock_mhz: float
    cycles_per_frame: float
    watchdog_cycles: int

    @property
    def frame_bytes(self) -> int:
        """Bytes of an image."""
        return math.prod(self.image_shape)

    @property
    def result_bytes(self) -> int:
        """Bytes of an image's results."""
        return 4 * self.outputs

    @classmethod
    def load(cls, path: Path) -> "Description":
        """Read kernel.json.

        Raises:
            BoardError: the file is missing or is none of this version.
        """
        try:
            data = json.loads(path.read_text())
        except (OSError, ValueError) as error:
            raise BoardError(
                f"{path}: cannot be read ({error}); package the kernel again"
            ) from error
        schema = data.get("schema") if isinstance(data, dict) else None
        if schema != SCHEMA:
            raise BoardError(f"{path}: schema {schema!r} is not {SCHEMA}; package the kernel again")
        return cls._parsed(path, data)

    @classmethod
    def _parsed(cls, path: Path, data: dict[str, Any]) -> "Description":
        try:
            height, width, channels = data["image_shape"]
            return cls(
                name=str(data["name"]),
                digest=bytes.fromhex(data["digest"]),
                image_shape=(int(height), int(width), int(channels)),
                outputs=int(data["outputs"]),
                output=str(data["output"]),
                logit_scale=float(data["logit_scale"]),
                logit_offset=tuple(map(float, data["logit_offset"])),
                part=str(data["part"]),
                clock_mhz=float(data["clock_mhz"]),
                cycles_per_frame=float(data["cycles_per_frame"]),
                watchdog_cycles=int(data["watchdog_cycles"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise BoardError(
                f"{path}: {type(error).__name__}: {error}; package the kernel again"
            ) from error
