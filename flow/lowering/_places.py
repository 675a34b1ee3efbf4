# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Tensors that hold a part of their source, or parts several times: crops, strides, repetitions."""

from dataclasses import replace
from math import gcd

import numpy as np
from numpy.typing import NDArray

from flow.integer import Dense, Flatten, Gather
from flow.integer.operations import Integers
from flow.integer.selection import selection_of
from flow.lowering._builder import Builder
from flow.lowering._layouts import layouts
from flow.lowering._refusal import Refusal
from flow.lowering._settle import as_image
from flow.lowering._values import Value

__all__ = ["part"]

_LARGEST_ORDER = 2**20  # entries of a matrix that puts a vector in order


def part(builder: Builder, name: str, value: Value, index: NDArray[np.int64]) -> Value:
    """Return a tensor of some of a value's elements, from a source that holds just them.

    Args:
        builder: the operations so far.
        name: of the node that takes them.
        value: without pending padding.
        index: of the tensor's shape: each element's place in the value's source.

    Raises:
        Refusal: they are none, or in an order that a stream cannot have.
    """
    if not index.size:
        raise Refusal("it takes no element at all", "take at least one", structural=True)
    taken = replace(value, index=index)
    refusal = None
    for layout in layouts(index.ndim):
        try:
            return layout.back(as_image(builder, name, layout.image(taken)))
        except Refusal as error:
            refusal = refusal or error
    if refusal is not None:
        raise refusal
    return _vector(builder, name, taken)


def _vector(builder: Builder, name: str, value: Value) -> Value:
    """Return a tensor that is no image, from a flat source: rows of it, or else a matrix."""
    order = value.index.reshape(-1)
    size = int(np.prod(value.shape))
    rows = _rows(order, size)
    places = order[::rows] // rows
    if selection_of(places[None], (1, size // rows)) is not None:
        gathered = Gather(
            name=f"{name}_take", inputs=(value.source,), places=places[None], channels=rows
        )
        flat = Flatten(name=f"{name}_flatten", inputs=(builder.emit(gathered),))
        return _renamed(value, builder.emit(flat), order)
    if size * order.size > _LARGEST_ORDER:
        raise Refusal(f"it puts {order.size} of {size} values in another order", "keep their order")
    matrix = np.zeros((size, order.size), dtype=np.int64)
    matrix[order, np.arange(order.size)] = 1
    source = value.source
    if len(value.shape) > 1:
        source = builder.emit(Flatten(name=f"{name}_flatten", inputs=(source,)))
    dense = Dense(name=f"{name}_order", inputs=(source,), weights=matrix)
    return _renamed(value, builder.emit(dense), order)


def _rows(order: Integers, size: int) -> int:
    """Return the longest rows of consecutive values that the order is made of."""
    starts = np.flatnonzero(np.diff(order, prepend=order[0] - 2) != 1)
    return gcd(size, order.size, *order[starts].tolist(), *starts.tolist())


def _renamed(value: Value, source: str, order: Integers) -> Value:
    """Return the value of a flat source that holds its elements in order."""
    channels = order % value.channels
    index = np.arange(order.size).reshape(value.index.shape)
    return value.picked(lambda row: row[channels], source=source, shape=(order.size,), index=index)
