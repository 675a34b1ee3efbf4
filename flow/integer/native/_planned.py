# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What the C++ engine executes: passes, and how each value is held."""

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from flow.integer.native._counting import Counter
from flow.integer.native._layout import Form
from flow.integer.native._pack import Packed
from flow.integer.native._trace import Trace, Traces
from flow.integer.operations import Shape

__all__ = ["Kind", "Plan", "PlannedOp"]


class Kind(IntEnum):
    """The kernels, as in src/plan.hpp."""

    DOT = 0
    BITS = 1
    DEPTHWISE = 2
    MATRIX = 3
    MAX = 4
    MAX_BITS = 5
    SUM = 6
    ADD = 7
    CONCAT = 8
    GATHER = 9
    TABLES = 10
    MAX_NIBBLES = 11


@dataclass(kw_only=True)
class PlannedOp:
    """One pass of the engine; see Op of src/plan.hpp."""

    name: str
    kind: Kind
    reads: tuple[str, ...]
    writes: str  # its name, or another view of its output
    wide: bool
    products: int  # multiply-accumulates of one image
    shape: Shape  # of the first input: (H, W)
    out_shape: Shape  # (H', W')
    kernel: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    corner: tuple[int, int] = (0, 0)  # padding at the top and at the left
    groups: int = 1
    group_outputs: int = 0
    packed: Packed | None = None
    weights: NDArray[np.generic] | None = None
    bias: NDArray[np.generic] | None = None
    padding: NDArray[np.uint8] | None = None
    factors: tuple[int, ...] = ()
    counter: Counter = field(default_factory=Counter)
    fitting: tuple[tuple[Kind, int], ...] = ()  # kernels of these bit widths, and their planes
    trace: Trace | None = None


@dataclass(frozen=True)
class Plan:
    """Passes in order, and how each value is held: by the name of a stage or of a view of it.

    `roots` maps a view (a Flatten) to the value whose memory it shows; every value to itself.
    `traces` tells where a trace lies, if one is kept.
    """

    ops: tuple[PlannedOp, ...]
    forms: dict[str, Form]
    roots: dict[str, str]
    traces: Traces | None = None
