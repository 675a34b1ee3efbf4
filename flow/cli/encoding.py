# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The options that say what a model's input is for a uint8 pixel; one place for all commands."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flow.lowering import InputEncoding

__all__ = ["ENCODING_OPTIONS", "add_encoding", "assumption", "encoding"]

ENCODING_OPTIONS = {"pixel_scale": "scale", "mean": "mean", "std": "std", "layout": "layout"}


def add_encoding(parser: argparse.ArgumentParser) -> None:
    """Declare --pixel-scale, --mean, --std and --layout."""
    group = parser.add_argument_group(
        "the input, if the model does not declare it: (pixel * scale - mean) / std"
    )
    group.add_argument(
        "--pixel-scale", type=float, metavar="X", help="of a uint8 pixel (default: 1/255)"
    )
    for name, default in (("mean", 0), ("std", 1)):
        group.add_argument(
            f"--{name}",
            type=float,
            nargs="+",
            metavar="X",
            help=f"one for all channels or one for each (default: {default})",
        )
    group.add_argument(
        "--layout", choices=("auto", "NCHW", "NHWC"), help="of the input (default: auto)"
    )


def encoding(options: argparse.Namespace) -> "InputEncoding | None":
    """Return what the options say, or None where none is given."""
    given = {field: getattr(options, name) for name, field in ENCODING_OPTIONS.items()}
    chosen: dict[str, Any] = {
        field: tuple(value) if isinstance(value, list) else value
        for field, value in given.items()
        if value is not None
    }
    if not chosen:
        return None
    from flow.lowering import InputEncoding  # noqa: PLC0415 - keeps --help fast

    return InputEncoding(**chosen)


def assumption(assumed: Sequence[str]) -> list[str]:
    """Return the note that names the flags of what was assumed, if anything was."""
    flags = [f"--{n.replace('_', '-')}" for n, f in ENCODING_OPTIONS.items() if f in assumed]
    if not flags:
        return []
    return [f"{', '.join(flags)} would change the answer; give them as the model was trained"]
