# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""From QONNX to FINN's dataflow graph, its folding and the generated RTL."""

from flow.dataflow.folding import fold, folding_of
from flow.dataflow.frontend import Dataflow, to_dataflow
from flow.dataflow.hardware import generate_rtl
from flow.dataflow.support import Unsupported, unsupported_layers

__all__ = [
    "Dataflow",
    "Unsupported",
    "fold",
    "folding_of",
    "generate_rtl",
    "to_dataflow",
    "unsupported_layers",
]
