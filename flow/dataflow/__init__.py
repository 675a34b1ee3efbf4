# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""From QONNX to FINN's dataflow graph, its folding and the generated RTL."""

from flow.dataflow.folding import fold
from flow.dataflow.frontend import Dataflow, to_dataflow
from flow.dataflow.hardware import generate_rtl, set_fifo_depths
from flow.dataflow.support import Unsupported, unsupported_layers

__all__ = [
    "Dataflow",
    "Unsupported",
    "fold",
    "generate_rtl",
    "set_fifo_depths",
    "to_dataflow",
    "unsupported_layers",
]
