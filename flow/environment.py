# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The only module that reads environment variables."""

import os
from collections.abc import Mapping
from pathlib import Path

__all__ = [
    "DATA_VARIABLE",
    "board_authority",
    "board_certificate",
    "board_key",
    "board_token",
    "cache_folder",
    "compiler",
    "data_folder",
    "environment_with",
]

DATA_VARIABLE = "STEELFLOW_DATA"


def data_folder() -> Path | None:
    """Return the folder of data sets that STEELFLOW_DATA names; None when it is unset or empty."""
    return _path(DATA_VARIABLE)


def cache_folder() -> Path:
    """Return the folder of what can be made again: steelflow in XDG_CACHE_HOME or ~/.cache."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "steelflow"


def compiler() -> str:
    """Return the compiler of the kernels: CXX, or g++."""
    return os.environ.get("CXX") or "g++"


def board_token() -> str | None:
    """Return the token that a board's server asks for: STEELFLOW_BOARD_TOKEN."""
    return os.environ.get("STEELFLOW_BOARD_TOKEN") or None


def board_authority() -> Path | None:
    """Return the PEM file of who signed a board's certificate: STEELFLOW_BOARD_AUTHORITY."""
    return _path("STEELFLOW_BOARD_AUTHORITY")


def board_certificate() -> Path | None:
    """Return the PEM file that is shown to a board's server: STEELFLOW_BOARD_CERTIFICATE."""
    return _path("STEELFLOW_BOARD_CERTIFICATE")


def board_key() -> Path | None:
    """Return the PEM file of that certificate's key: STEELFLOW_BOARD_KEY."""
    return _path("STEELFLOW_BOARD_KEY")


def _path(variable: str) -> Path | None:
    value = os.environ.get(variable)
    return Path(value) if value else None


def environment_with(more: Mapping[str, str]) -> dict[str, str]:
    """Return this process's variables and more, for a process of its own."""
    return {**os.environ, **more}
