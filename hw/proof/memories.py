# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What a network says that the memories of a layer hold."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Additions", "Factors", "Integers", "Memory", "Thresholds", "Weights"]

Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Weights:
    """Of a product; with depthwise, each output has inputs of its own.

    Attributes:
        matrix: int64[inputs, outputs]; inputs in the order of the stream.
    """

    matrix: Integers


@dataclass(frozen=True, kw_only=True, eq=False)
class Thresholds:
    """y = offset + step * #{t <= x} for every x from lowest to highest.

    Attributes:
        rows: int64[C, N], or [1, N] for all channels; ascending.
        offset, step: of the output; -1 and 2 is the bipolar one.
        lowest, highest: values that reach the layer.
    """

    rows: Integers
    offset: int
    step: int
    lowest: int
    highest: int


@dataclass(frozen=True, eq=False)
class Additions:
    """Constants int64[C] that are added to the channels."""

    values: Integers


@dataclass(frozen=True, eq=False)
class Factors:
    """Constants int64[H, W], of at least 0, that the pixels are multiplied by."""

    values: Integers


Memory = Weights | Thresholds | Additions | Factors
