# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The settings of a compilation as keyword arguments, and a folding from a file."""

from collections.abc import Mapping
from pathlib import Path

import yaml

from flow.config import CompileConfig, parse_section
from flow.errors import SettingError
from steelflow_names import one_line

__all__ = ["compile_config", "read_folding"]

_DEFAULT_FPS = 1000.0


def compile_config(
    *, fps: float | None = None, folding: Path | str | None = None, **given: object
) -> CompileConfig:
    """Return the settings that the arguments stand for; what is None has its default.

    Args:
        fps: frames a second that the accelerator is folded for.
        folding: a file of read_folding, over fps.
        given: other fields of CompileConfig.

    Raises:
        FlowError: a value out of range, or a folding file that cannot be read.
    """
    values = {name: value for name, value in given.items() if value is not None}
    values["folding"], whole = read_folding(folding) if folding else ({}, False)
    values["target_fps"] = _DEFAULT_FPS if fps is None and not whole else fps
    return parse_section(CompileConfig, values, "compile")


def read_folding(path: Path | str) -> tuple[object, bool]:
    """Read a YAML or JSON file: matrix layer -> {pe, simd}; or a folding.json with that inside.

    Returns:
        The mapping, and whether it is a folding.json, which names every matrix layer and so leaves
        nothing to fold for a frame rate.

    Raises:
        SettingError: the file cannot be read or is no YAML.
    """
    try:
        found = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SettingError(
            f"folding {path}: cannot be read as YAML ({one_line(error)})", "folding"
        ) from error
    written = isinstance(found, Mapping) and found.keys() == {"cycles", "folding"}
    return (found["folding"], bool(found["folding"])) if written else (found, False)
