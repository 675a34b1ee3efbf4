# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The integer network as an engine."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from finn.transformation.fpgadataflow.set_exec_mode import SetExecMode
from numpy.typing import NDArray
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx

from brevitas_models.classifier import QuantClassifier
from brevitas_models.network import QuantConvNet
from flow.classifier import Classifier, Images, Logits, check_images
from flow.engines.base import Engine, Report, Trace, channels_last
from flow.engines._activations import brevitas_activations
from flow.export.qonnx import input_shape, load_qonnx, qonnx_logits
from flow.integer import IntegerNetwork, Threshold
from hw.accelerator import Accelerator
from hw.verilator.simulation import Simulation, SimulationResult


__all__ = ["IntegerEngine"]


class IntegerEngine:
    """The integer network, which defines the result."""

    name = "integer"

    def __init__(self, network: IntegerNetwork) -> None:
        self.network = network
        self.input_shape, self.classes = network.input_shape, network.classes

    def logits(self, images: Images) -> Logits:
        """Return int32[N, K]; see Classifier."""
        return self.network.logits(images)

    def trace(self, image: Images) -> Trace:
        """See Engine."""
        *inner, logits = self.network.activations(image)
        thresholds = {op.name for op in self.network.operations if isinstance(op, Threshold)}
        return [*(entry for entry in inner if entry[0] in thresholds), logits]
