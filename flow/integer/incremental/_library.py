# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The shared library of the incremental engine, behind ctypes (which releases the GIL)."""

import ctypes
import sysconfig
from ctypes import POINTER, c_int64, c_void_p
from functools import cache
from pathlib import Path

from flow.integer._kernel_library import Signature, declare, open_library

__all__ = ["ABI", "CCells", "CFlipTask", "CNode", "CProgram", "CSource", "CTreeTask", "library"]

ABI = 1  # as in src/program.hpp
FILE = Path(__file__).parent / f"_kernels{sysconfig.get_config_var('EXT_SUFFIX')}"


class CSource(ctypes.Structure):
    """`Source` of src/program.hpp."""

    _fields_ = [
        *((name, c_int64) for name in ("node", "channels", "length", "group", "group_step")),
        *((name, c_void_p) for name in ("start", "out", "row", "weights")),
        ("variant_size", c_int64),
    ]


class CNode(ctypes.Structure):
    """`Node` of src/program.hpp."""

    _fields_ = [
        *((name, c_int64) for name in ("kind", "size", "channels", "source_count")),
        ("sources", POINTER(CSource)),
        *((name, c_void_p) for name in ("base", "thresholds")),
        *((name, c_int64) for name in ("rows", "levels", "offset", "step")),
        *((name, c_void_p) for name in ("start", "out", "back_start", "back_in")),
    ]


class CProgram(ctypes.Structure):
    """`Program` of src/program.hpp."""

    _fields_ = [
        *((name, c_int64) for name in ("abi", "wide", "node_count")),
        ("nodes", POINTER(CNode)),
    ]


class CCells(ctypes.Structure):
    """`Cells` of src/cells.hpp."""

    _fields_ = [
        ("count", c_int64),
        *((name, c_void_p) for name in ("pixel", "start", "low", "high", "pick")),
    ]


class CFlipTask(ctypes.Structure):
    """`FlipTask` of src/flips.hpp."""

    _fields_ = [
        ("cells", CCells),
        ("need", c_void_p),
        *((name, c_int64) for name in ("label", "seed", "evaluations", "tenure", "patience")),
        ("start_count", c_int64),
        *((name, c_void_p) for name in ("starts", "best")),
        *((name, c_int64) for name in ("best_slack", "spent")),
    ]


class CTreeTask(ctypes.Structure):
    """`TreeTask` of src/tree.hpp."""

    _fields_ = [
        ("cells", CCells),
        ("need", c_void_p),
        *((name, c_int64) for name in ("label", "evaluations", "lookahead", "tree_room")),
        ("tree", c_void_p),
        ("tree_size", c_int64),
        ("broken", c_void_p),
        *((name, c_int64) for name in ("answer", "spent", "leaves")),
    ]


@cache
def library() -> ctypes.CDLL:
    """Load the kernels.

    Raises:
        FlowError: they were not built, or from other sources.
    """
    return load(FILE)


def load(path: Path) -> ctypes.CDLL:
    """Load a library of kernels; see library."""
    loaded = open_library("incremental engine", path)
    declare(loaded, _FUNCTIONS, "si_abi", ABI, f"incremental engine: {path} is")
    return loaded


_FUNCTIONS: dict[str, Signature] = {
    "si_abi": (c_int64, []),
    "si_create": (c_void_p, [POINTER(CProgram)]),
    "si_destroy": (None, [c_void_p]),
    "si_bounds": (None, [*[c_void_p] * 3, c_int64, c_int64, c_void_p, c_void_p]),
    "si_flip": (None, [c_void_p, c_void_p, c_int64, POINTER(CFlipTask)]),
    "si_decide": (None, [c_void_p, c_void_p, c_int64, POINTER(CTreeTask)]),
}
