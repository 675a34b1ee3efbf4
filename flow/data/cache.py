# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Decoded images that are kept as .npy files, complete or absent."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flow.errors import FlowError

__all__ = ["save_array"]


def save_array(file: Path, array: NDArray[Any]) -> None:
    """Write an array as .npy; a kill or a full disk leaves no half of it.

    Raises:
        FlowError: the file cannot be written.
    """
    part = file.with_name(f"{file.name}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as stream:
            np.save(stream, array)
        part.replace(file)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise FlowError(
            f"{file.parent}: decoded images cannot be written ({error.strerror}); "
            "make room, or set XDG_CACHE_HOME to another folder"
        ) from error
