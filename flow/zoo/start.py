# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""First weights taken from a trained network of the zoo."""

import torch

from brevitas_models.classifier import QuantClassifier
from brevitas_models.pretrained import load
from flow.zoo.entry import Start

__all__ = ["blend"]


def blend(network: QuantClassifier, start: Start) -> None:
    """Move fresh weights by the share of the way to those of the trained network.

    The BatchNorms stay fresh.

    Raises:
        ModelError: there is no trained network of that name.
    """
    pairs = zip(network.weighted_layers(), load(start.network).weighted_layers(), strict=True)
    with torch.no_grad():
        for (_, layer), (_, source) in pairs:
            layer.weight.lerp_(source.weight, start.share)
