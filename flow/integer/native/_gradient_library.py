# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The structures of src/gradient.hpp, behind ctypes."""

import ctypes
from ctypes import POINTER, c_int64, c_void_p
from functools import cache

from flow.integer._kernel_library import Signature, declare
from flow.integer.native._library import FILE, library

__all__ = ["ABI", "CField", "CGradientPlan", "CPhase", "CPullOp", "gradients"]

ABI = 1  # as in src/gradient.hpp


class CField(ctypes.Structure):
    """`Field` of src/gradient.hpp."""

    _fields_ = [(name, c_int64) for name in ("height", "width", "channels", "line", "begin")]


class CPullOp(ctypes.Structure):
    """`PullOp` of src/gradient.hpp."""

    _fields_ = [
        *((name, c_int64) for name in ("kind", "source", "to", "kernel_height", "kernel_width")),
        *((name, c_int64) for name in ("stride_y", "stride_x", "top", "left", "first", "trace")),
        ("weights", c_void_p),
    ]


class CPhase(ctypes.Structure):
    """`Phase` of src/gradient.hpp."""

    _fields_ = [("end", c_int64), ("images", c_int64)]


class CGradientPlan(ctypes.Structure):
    """`GradientPlan` of src/gradient.hpp."""

    _fields_ = [
        *((name, c_int64) for name in ("abi", "block", "image_floats", "trace_bytes", "entries")),
        *((name, c_int64) for name in ("runs", "logits", "image")),
        *((name, c_int64) for name in ("field_count", "op_count", "phase_count")),
        ("fields", POINTER(CField)),
        ("ops", POINTER(CPullOp)),
        ("phases", POINTER(CPhase)),
    ]


@cache
def gradients() -> ctypes.CDLL:
    """Return the library of the kernels with its functions of gradients declared.

    Raises:
        FlowError: they were built from other sources.
    """
    loaded = library()
    declare(loaded, _FUNCTIONS, "sg_abi", ABI, f"native engine: gradients of {FILE} are")
    return loaded


_FUNCTIONS: dict[str, Signature] = {
    "sg_abi": (c_int64, []),
    "sg_create": (c_void_p, [POINTER(CGradientPlan), c_int64]),
    "sg_destroy": (None, [c_void_p]),
    "sg_run": (c_int64, [*[c_void_p] * 4, c_int64, c_int64]),
}
