# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The Lipschitz controls that recipes, configurations and experiments name."""

from collections.abc import Mapping

from brevitas_models.classifier import QuantClassifier
from brevitas_models.lipschitz import LipschitzControl, make_control

__all__ = ["controls_of"]


def controls_of(
    network: QuantClassifier, strengths: Mapping[str, float]
) -> dict[str, LipschitzControl]:
    """Return the controls of these names and strengths, as flow.training.trainer.train takes them.

    Raises:
        ModelError: there is no control of a name, or a strength is out of its range.
    """
    height, width, channels = network.input_shape
    return {
        name: make_control(name, network, (channels, height, width), strength)
        for name, strength in strengths.items()
    }
