# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The Lipschitz controls that recipes, configurations and experiments name."""

from collections.abc import Mapping

from brevitas_models.classifier import QuantClassifier
from brevitas_models.lipschitz import LipschitzControl, make_control
from brevitas_models.network import QuantConvNet
from flow.export.qonnx import input_shape

__all__ = ["controls_of"]


def controls_of(
    network: QuantConvNet | QuantClassifier, strengths: Mapping[str, float]
) -> dict[str, LipschitzControl]:
    """Return the controls of these names and strengths, as flow.training.trainer.train takes them.

    Raises:
        ModelError: there is no control of a name, or a strength is out of its range.
    """
    height, width, channels = input_shape(network)
    return {
        name: make_control(name, network, (channels, height, width), strength)
        for name, strength in strengths.items()
    }
