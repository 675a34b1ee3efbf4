# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Operations that only take pixels, as a list: which row of which input, and times what."""

from collections.abc import Sequence

import numpy as np

from flow.integer.operations import Concat, Gather, Integers, Scale, Shape

__all__ = ["taken_rows"]


def taken_rows(head: Concat | Gather | Scale, shapes: Sequence[Shape]) -> Integers:
    """Return int64[pixels of the output, 3]: input, row in it, factor.

    Args:
        head: a Concat is along height or width.
        shapes: of its inputs.
    """
    match head:
        case Gather(places=places):
            rows = places.reshape(-1)
            return _triples(np.zeros_like(rows), rows, np.ones_like(rows))
        case Scale(factors=factors):
            rows = np.arange(factors.size)
            return _triples(np.zeros_like(rows), rows, factors.reshape(-1))
    sizes = [shape[:2] for shape in shapes]
    numbers = [np.full(size, number) for number, size in enumerate(sizes)]
    within = [np.arange(size[0] * size[1]).reshape(size) for size in sizes]
    inputs, taken = (np.concatenate(parts, axis=head.axis).ravel() for parts in (numbers, within))
    return _triples(inputs, taken, np.ones_like(taken))


def _triples(inputs: Integers, rows: Integers, factors: Integers) -> Integers:
    return np.stack([inputs, rows, factors], axis=1)
