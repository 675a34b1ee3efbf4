# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The shared library of the kernels, behind ctypes (which releases the GIL during a call)."""

import ctypes
import sysconfig
import time
from collections.abc import Callable
from ctypes import POINTER, c_double, c_int64, c_void_p
from functools import cache
from pathlib import Path

from flow.errors import FlowError
from flow.integer._kernel_library import Signature, declare, open_library

__all__ = ["ABI", "COp", "CPlan", "CTensor", "index_of", "instruction_sets", "library", "peak_rate"]

ABI = 11  # as in src/plan.hpp
FILE = Path(__file__).parent / f"_kernels{sysconfig.get_config_var('EXT_SUFFIX')}"


class CTensor(ctypes.Structure):
    """`Tensor` of src/plan.hpp."""

    _fields_ = [
        (name, c_int64)
        for name in (
            *("format", "pixels", "channels", "row_bytes"),
            *("arena", "low", "step", "planes"),
        )
    ]


class COp(ctypes.Structure):
    """`Op` of src/plan.hpp."""

    _fields_ = [
        *((name, c_int64) for name in ("kind", "wide", "output", "input_count")),
        ("inputs", POINTER(c_int64)),
        ("factors", POINTER(c_int64)),
        *((name, c_int64) for name in ("height", "width", "out_height", "out_width")),
        *((name, c_int64) for name in ("kernel_height", "kernel_width", "stride_y", "stride_x")),
        *((name, c_int64) for name in ("top", "left", "groups", "group_outputs", "tile_rows")),
        *((name, c_int64) for name in ("steps", "panels", "flag", "scale")),
        *((name, c_void_p) for name in ("weights", "table", "bias", "padding")),
        *((name, c_int64) for name in ("counting", "levels")),
        *((name, c_void_p) for name in ("thresholds", "slope", "start")),
        *((name, c_int64) for name in ("low", "step", "trace")),
        *((name, c_void_p) for name in ("trace_low", "trace_high")),
    ]


class CPlan(ctypes.Structure):
    """`Plan` of src/plan.hpp."""

    _fields_ = [
        *((name, c_int64) for name in ("abi", "block", "image_bytes", "classes", "arena_bytes")),
        *(
            (name, c_int64)
            for name in ("gather_bytes", "sums_bytes", "row_bytes", "taps_bytes", "codes_bytes")
        ),
        *((name, c_int64) for name in ("last_bytes", "trace_bytes", "tensor_count", "op_count")),
        ("tensors", POINTER(CTensor)),
        ("ops", POINTER(COp)),
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
    loaded = open_library("native engine", path)
    declare(loaded, _FUNCTIONS, "sf_abi", ABI, f"native engine: {path} is")
    return loaded


_FUNCTIONS: dict[str, Signature] = {
    "sf_abi": (c_int64, []),
    "sf_isa_name": (ctypes.c_char_p, [c_int64]),
    "sf_isa_available": (c_int64, [c_int64]),
    "sf_create": (c_void_p, [POINTER(CPlan), c_int64]),
    "sf_destroy": (None, [c_void_p]),
    "sf_run": (c_int64, [c_void_p, c_void_p, c_int64, c_void_p, c_void_p, c_int64, c_void_p]),
    "sf_peak": (c_double, [c_int64, c_int64, c_int64, c_int64]),
}


@cache
def _all() -> tuple[str, ...]:
    names: list[str] = []
    while name := library().sf_isa_name(len(names)):
        names.append(name.decode())
    return tuple(names)


def instruction_sets() -> tuple[str, ...]:
    """Return those that this machine can run, the fastest last.

    They are portable, avx2 and avx512 on x86, portable, neon and neon_dot on ARM.
    """
    return tuple(n for i, n in enumerate(_all()) if library().sf_isa_available(i))


def index_of(isa: str) -> int:
    """Return an instruction set's number in the library.

    Raises:
        FlowError: this machine cannot run it.
    """
    if isa not in instruction_sets():
        listed = ", ".join(instruction_sets())
        raise FlowError(f"native engine: instruction set {isa!r} is not one of {listed}")
    return _all().index(isa)


def peak_rate(
    isa: str,
    kind: int,
    planes: int = 1,
    *,
    seconds: float = 0.2,
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    """Measure the most multiply-accumulates a second that one thread does in registers.

    Args:
        isa: one of instruction_sets.
        kind: of kernel: DOT, bytes by bytes; BITS, one plane by one bit; TABLES, by look-ups.
        planes: bits of an activation that is looked up.
        seconds: about how long to measure, once at least.
        clock: what tells the seconds.
    """
    number, iterations, best = index_of(isa), 1000, 0.0
    end = clock() + seconds
    while not best or clock() < end:
        start = clock()
        products = library().sf_peak(number, int(kind), planes, iterations)
        spent = clock() - start
        best = max(best, products / spent)
        iterations *= 2 if spent < seconds / 20 else 1
    return best
