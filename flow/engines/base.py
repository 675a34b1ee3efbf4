# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What an engine is: a classifier that shows its inner values."""

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from flow.classifier import Classifier, Images

__all__ = ["Engine", "Entry", "Report", "Trace", "channels_last"]

Entry = tuple[str, NDArray[np.int64]]  # a layer, its values [1, ..., C] in integer steps
Trace = list[Entry]
Report = Callable[[int, int], None]  # images done, images in all


class Engine(Classifier, Protocol):
    """A classifier whose inner values can be compared with those of another engine."""

    @property
    def name(self) -> str:
        """The engine's name in reports and errors."""
        ...

    def trace(self, image: Images) -> Trace:
        """Return every quantized activation, then the logits, of one image uint8[1, H, W, C].

        Values are integer steps, channels last; the names are the engine's own, the order is the
        network's, so that two engines' traces are compared entry by entry.
        """
        ...


def channels_last(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return [1, C, ...] as [1, ..., C]."""
    return np.moveaxis(values, 1, -1)
