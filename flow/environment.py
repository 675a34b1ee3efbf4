# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The only module that reads environment variables."""

import os
from pathlib import Path

__all__ = ["DATA_VARIABLE", "cache_folder", "data_folder"]

DATA_VARIABLE = "STEELFLOW_DATA"


def data_folder() -> Path | None:
    """Return the folder of data sets that STEELFLOW_DATA names; None when it is unset or empty."""
    value = os.environ.get(DATA_VARIABLE)
    return Path(value) if value else None


def cache_folder() -> Path:
    """Return the folder of what can be made again: steelflow in XDG_CACHE_HOME or ~/.cache."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "steelflow"
