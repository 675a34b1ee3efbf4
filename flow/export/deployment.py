# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The integer network that a trained one is on the board."""

import tempfile
from pathlib import Path

from brevitas_models.classifier import QuantClassifier
from flow.export.qonnx import export_qonnx_model
from flow.integer import IntegerNetwork
from flow.lowering import lower, read_model

__all__ = ["lowered"]


def lowered(network: QuantClassifier) -> IntegerNetwork:
    """Return the integer network by way of a QONNX file, as a deployment does.

    Raises:
        FlowError: it cannot be lowered.
    """
    with tempfile.TemporaryDirectory(prefix="steelflow-") as folder:
        path = Path(folder) / "model.onnx"
        export_qonnx_model(network, path)
        return lower(read_model(path)).network
