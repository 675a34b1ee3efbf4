# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Numeric arrays of a MATLAB 5 file (.mat up to version 7), after MathWorks' "MAT-File Format".

scipy.io.loadmat reads more, and crashes the interpreter on some damaged files.
"""

import struct
import zlib
from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["MatError", "read_arrays"]

_HEADER = 128
_MATRIX, _COMPRESSED = 14, 15  # types of an element
_TYPES = {1: "i1", 2: "u1", 3: "<i2", 4: "<u2", 5: "<i4", 6: "<u4", 7: "<f4", 9: "<f8"}
_TYPES |= {12: "<i8", 13: "<u8"}
_CLASSES = {6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4"}
_CLASSES |= {14: "i8", 15: "u8"}
_COMPLEX = 0x0800  # a flag beside the class

_Element = tuple[int, bytes]  # type, content


class MatError(ValueError):
    """The bytes are no such file; one line says why."""


def read_arrays(content: bytes) -> dict[str, NDArray[Any]]:
    """Return the file's real numeric arrays by name, in MATLAB's shapes; others are left out.

    Raises:
        MatError: it is of another version or byte order, or damaged.
    """
    version, order = struct.unpack("<H2s", content[_HEADER - 4 : _HEADER].ljust(4, b"\0"))
    if (version, order) != (0x0100, b"IM"):
        raise MatError("its header is not that of a little-endian MATLAB 5 file")
    arrays = (_array(body) for body in _matrices(content[_HEADER:]))
    return {array[0]: array[1] for array in arrays if array}


def _matrices(content: bytes) -> Iterator[bytes]:
    for kind, body in _elements(content):
        inner_kind, inner = (
            _one(_elements(_unpacked(body))) if kind == _COMPRESSED else (kind, body)
        )
        if inner_kind == _MATRIX:
            yield inner


def _unpacked(body: bytes) -> bytes:
    try:
        return zlib.decompress(body)
    except zlib.error as error:
        raise MatError(str(error)) from error


def _one(elements: Iterator[_Element]) -> _Element:
    found = list(elements)
    if len(found) != 1:
        raise MatError(f"a compressed element holds {len(found)} elements, not 1")
    return found[0]


def _elements(content: bytes) -> Iterator[_Element]:
    """Split into elements: a tag of type and size, then content padded to 8 bytes.

    Up to 4 bytes may lie in the tag itself, whose first word then has the size in its upper half.
    """
    place = 0
    while place < len(content):
        tag = content[place : place + 8]
        if len(tag) < 8:
            raise MatError(f"{len(tag)} bytes are left over")
        kind, size = struct.unpack("<II", tag)
        short, packed = divmod(kind, 1 << 16)
        if short:
            start, kind, size, place = place + 4, packed, short, place + 8
        else:
            start = place + 8
            place = start + (size if kind == _COMPRESSED else -(-size // 8) * 8)
        if start + size > len(content) or (short > 4):
            raise MatError(f"an element of {size} bytes passes the end")
        yield kind, content[start : start + size]


def _array(body: bytes) -> tuple[str, NDArray[Any]] | None:
    """Read flags, dimensions, name and values; None for text, structures and complex numbers."""
    parts = list(_elements(body))
    if len(parts) < 3 or len(parts[0][1]) != 8 or len(parts[1][1]) % 4:
        raise MatError("an array has no flags, dimensions and name")
    flags = int.from_bytes(parts[0][1][:4], "little")
    name = parts[2][1].decode("latin1")
    if flags & 0xFF not in _CLASSES or flags & _COMPLEX:
        return None
    shape = np.frombuffer(parts[1][1], "<i4").tolist()
    if len(parts) != 4 or parts[3][0] not in _TYPES or min(shape, default=-1) < 0:
        raise MatError(f"the array {name!r} has no values")
    kind = np.dtype(_TYPES[parts[3][0]])
    if len(parts[3][1]) != prod(shape) * kind.itemsize:
        raise MatError(f"the array {name!r} of {shape} has {len(parts[3][1])} bytes")
    values = np.frombuffer(parts[3][1], kind).reshape(shape, order="F")
    return name, values.astype(_CLASSES[flags & 0xFF], copy=False)
