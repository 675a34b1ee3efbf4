# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The integer network by changes: bounds and searches over the images of a ball."""

from flow.integer.incremental._program import (
    Linear,
    MaxNode,
    Program,
    Source,
    ThresholdNode,
    make_program,
)
from flow.integer.incremental.cells import Cells, cell_numbers, cells_between, cells_of
from flow.integer.incremental.engine import Decision, Flip, IncrementalNetwork, needed_margins

__all__ = [
    "Cells",
    "Decision",
    "Flip",
    "IncrementalNetwork",
    "Linear",
    "MaxNode",
    "Program",
    "Source",
    "ThresholdNode",
    "cell_numbers",
    "cells_between",
    "cells_of",
    "make_program",
    "needed_margins",
]
