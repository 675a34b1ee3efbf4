# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Shared libraries of kernels behind ctypes: opened, declared, and of the version that is meant."""

import ctypes
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from flow.errors import FlowError

__all__ = ["Signature", "declare", "open_library"]

Signature = tuple[Any, Sequence[Any]]  # ctypes types of the result and of the arguments

_REMEDY = "build it with: pip install --editable ."


def open_library(engine: str, path: Path) -> ctypes.CDLL:
    """Open a library.

    Args:
        engine: whose kernels these are, in words.
        path: of the library.

    Raises:
        FlowError: it was not built.
    """
    try:
        return ctypes.CDLL(str(path))
    except OSError as error:
        raise FlowError(f"{engine}: {path} cannot be loaded ({error}); {_REMEDY}") from error


def declare(
    loaded: ctypes.CDLL, functions: Mapping[str, Signature], version: str, abi: int, subject: str
) -> None:
    """Declare functions of a library.

    Args:
        loaded: the library.
        functions: by name.
        version: the one of them that returns the version of all.
        abi: which version it must be.
        subject: whose version it is, with its verb.

    Raises:
        FlowError: it was built from other sources.
    """
    for name, (result, arguments) in functions.items():
        function = getattr(loaded, name)
        function.restype, function.argtypes = result, arguments
    found = getattr(loaded, version)()
    if found != abi:
        raise FlowError(f"{subject} version {found}, not {abi}; {_REMEDY}")
