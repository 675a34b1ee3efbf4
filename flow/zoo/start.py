# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""First weights taken from a trained network of the zoo."""

import torch

from brevitas_models.classifier import QuantClassifier
from brevitas_models.pretrained import load

__all__ = ["blend"]


def blend(network: QuantClassifier, initial: str, share: float) -> None:
    """Move fresh weights by `share` of the way to those of a trained network of equal layers.

    The BatchNorms stay fresh.

    Raises:
        ModelError: there is no trained network of the name `initial`.
    """
    pairs = zip(network.weighted_layers(), load(initial).weighted_layers(), strict=True)
    with torch.no_grad():
        for (_, layer), (_, source) in pairs:
            layer.weight.lerp_(source.weight, share)
