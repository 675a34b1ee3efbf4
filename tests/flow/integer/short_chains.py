# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Integer networks of a few operations, each written in a line."""

from collections.abc import Sequence

import numpy as np

from flow.integer import IntegerNetwork, Operation, Threshold
from hw.accelerator.preprocessing import Preprocessing


def levels(name: str, *rows: Sequence[int], offset: int = 0, step: int = 1) -> Threshold:
    """Return a threshold of a row for each channel, or of one for all."""
    return Threshold(name=name, thresholds=np.array(rows), offset=offset, step=step)


def chain(
    *operations: Operation,
    shape: tuple[int, int, int] = (1, 1, 1),
    scale: float = 1.0,
    offset: float = 0.0,
    preprocessing: Preprocessing | None = None,
) -> IntegerNetwork:
    return IntegerNetwork(operations, shape, scale, offset, preprocessing)
