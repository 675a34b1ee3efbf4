# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The digest of a value: the same in every process and for equal content, as pickles are not."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import PurePath
from typing import Any

import numpy as np
from pydantic import BaseModel

__all__ = ["digest_of"]


def digest_of(value: object) -> str:
    """Return the sha256, in 64 hex digits, of plain data, arrays, dataclasses and models of them.

    The kind of a value counts: 1, 1.0, True and "1" differ. Mappings count without their order.

    Raises:
        TypeError: something else is inside of the value.
    """
    found = hashlib.sha256()
    for part in _parts(value):
        found.update(len(part).to_bytes(8, "little"))
        found.update(part)
    return found.hexdigest()


def _parts(value: Any) -> Iterator[bytes]:  # noqa: ANN401 - the content decides
    """Yield what tells the value from every other one, kinds and lengths first."""
    kind = type(value)
    yield f"{kind.__module__}.{kind.__qualname__}".encode()
    if value is None or isinstance(value, bool | int | float | str | PurePath | np.generic):
        yield (value.hex() if isinstance(value, float) else str(value)).encode()
    elif isinstance(value, bytes):
        yield value
    elif isinstance(value, np.ndarray):
        yield f"{value.dtype.str} {value.shape}".encode()
        yield np.ascontiguousarray(value).tobytes()
    elif isinstance(value, Enum):
        yield value.name.encode()
    else:
        yield from _inner(value)


def _inner(value: Any) -> Iterator[bytes]:  # noqa: ANN401 - as above
    items = _items(value)
    yield str(len(items)).encode()
    for item in items:
        yield from _parts(item)


def _items(value: Any) -> list[Any]:  # noqa: ANN401 - as above
    """Return what a container holds, in an order that depends on the content alone."""
    if isinstance(value, list | tuple):
        return list(value)
    if isinstance(value, Mapping):
        return sorted(value.items(), key=lambda item: digest_of(item[0]))
    if isinstance(value, set | frozenset):
        return sorted(value, key=digest_of)
    if isinstance(value, BaseModel):
        return [(name, getattr(value, name)) for name in type(value).model_fields]
    if is_dataclass(value):
        return [(field.name, getattr(value, field.name)) for field in fields(value)]
    raise TypeError(f"digest: a {type(value).__name__} has no canonical content")
