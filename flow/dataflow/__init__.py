# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""From an integer network to FINN's dataflow graph, its folding and the generated RTL."""

from flow.dataflow.constants import expected_memories
from flow.dataflow.folding import Folded, fold, fold_to_fit, folding_of, reachable_cycles
from flow.dataflow.frontend import to_dataflow
from flow.dataflow.hardware import generate_rtl, with_streams

__all__ = [
    "Folded",
    "expected_memories",
    "fold",
    "fold_to_fit",
    "folding_of",
    "generate_rtl",
    "reachable_cycles",
    "to_dataflow",
    "with_streams",
]
