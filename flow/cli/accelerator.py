# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A step of the flow that can also be done to the accelerator of a folder."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from flow.errors import FlowError

if TYPE_CHECKING:
    from flow.compile import RtlRun

__all__ = ["names_folder", "refuse_folder_options", "speed"]


def names_folder(options: argparse.Namespace) -> bool:
    """Say whether a folder stands where the configuration of a run could."""
    config: Path | None = options.config
    return config is not None and config.is_dir() and options.zoo is None


def refuse_folder_options(options: argparse.Namespace, names: tuple[str, ...]) -> None:
    """Refuse options that are for a folder only.

    Raises:
        FlowError: naming the first.
    """
    for name in names:
        if getattr(options, name) is not None:
            raise FlowError(
                f"{options.command.name}: {getattr(options, name)} is for the FOLDER of an "
                f"accelerator, and {options.config or options.zoo} is none; leave it out"
            )


def speed(run: "RtlRun") -> str:
    """Return cycles and frames a second in words."""
    manifest = run.accelerator.manifest
    return (
        f"{run.cycles_per_frame:g} cycles a frame ({manifest.cycles_per_frame_predicted} "
        f"predicted), {run.frames_per_second:,.0f} frames/s at {manifest.clock_mhz:g} MHz"
    )
