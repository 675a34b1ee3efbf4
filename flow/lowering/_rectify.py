# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Clamping a vector of any range: the maximum with a row of zeros, which padding brings in."""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from flow.integer import Bias, Convolution, Dense, Flatten, MaxPool, Unflatten
from flow.lowering._builder import Builder

__all__ = ["clamped"]


def clamped(
    builder: Builder, name: str, source: str, ends: Sequence[Fraction | None]
) -> tuple[str, Fraction]:
    """Return a vector clamped between two ends, and how far rounding them moved it.

    Args:
        builder: the operations so far.
        name: of the node that clamps.
        source: name of the vector.
        ends: the lowest and the highest value, in integer steps; None for no bound.
    """
    moved = [abs(end - round(end)) for end in ends if end is not None]
    lowest, highest = (None if end is None else round(end) for end in ends)
    if lowest is not None:
        source = _at_least(builder, f"{name}_floor", source, lowest)
    if highest is not None:
        source = _negated(builder, f"{name}_turn", source)
        source = _at_least(builder, f"{name}_ceiling", source, -highest)
        source = _negated(builder, f"{name}_back", source)
    return source, max(moved, default=Fraction(0))


def _at_least(builder: Builder, name: str, source: str, bound: int) -> str:
    """Return max(x, bound)."""
    lowered = _shifted(builder, f"{name}_from", source, -bound)
    pixel = builder.emit(Unflatten(name=f"{name}_pixel", inputs=(lowered,)))
    count = builder.shapes[pixel][-1]
    over_zeros = builder.emit(
        Convolution(
            name=f"{name}_zeros",
            inputs=(pixel,),
            weights=np.ones((1, 1, 1, count), dtype=np.int64),
            padding=(0, 0, 1, 0),
            groups=count,
        )
    )
    largest = builder.emit(
        MaxPool(name=f"{name}_max", inputs=(over_zeros,), kernel=(2, 1), stride=(1, 1))
    )
    flat = builder.emit(Flatten(name=f"{name}_flat", inputs=(largest,)))
    return _shifted(builder, f"{name}_to", flat, bound)


def _shifted(builder: Builder, name: str, source: str, shift: int) -> str:
    if not shift:
        return source
    return builder.emit(Bias(name=name, inputs=(source,), values=np.array([shift])))


def _negated(builder: Builder, name: str, source: str) -> str:
    weights = -np.eye(builder.shapes[source][-1], dtype=np.int64)
    return builder.emit(Dense(name=name, inputs=(source,), weights=weights))
