# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The integer network that a trained one is on the board, or an untrained one would be."""

import tempfile
from pathlib import Path

from brevitas_models.architectures import build
from brevitas_models.classifier import QuantClassifier
from brevitas_models.exact import make_exact
from brevitas_models.settings import ArchitectureSettings
from flow.export.qonnx import export_qonnx_model
from flow.integer import IntegerNetwork
from flow.lowering import lower, read_model

__all__ = ["lowered", "untrained"]


def lowered(network: QuantClassifier) -> IntegerNetwork:
    """Return the integer network by way of a QONNX file, as a deployment does.

    Raises:
        FlowError: it cannot be lowered.
    """
    with tempfile.TemporaryDirectory(prefix="steelflow-") as folder:
        path = Path(folder) / "model.onnx"
        export_qonnx_model(network, path)
        return lower(read_model(path)).network


def untrained(settings: ArchitectureSettings, seed: int = 0) -> IntegerNetwork:
    """Return the integers of the weights that a network begins with: its shape and its bits.

    Raises:
        ModelError: the settings make no network.
        FlowError: it cannot be lowered.
    """
    network = build(settings, seed).eval()
    make_exact(network)
    return lowered(network)
