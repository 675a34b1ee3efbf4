# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Inputs for the zoo's networks."""

import torch
from torch import Tensor

from brevitas_models.classifier import QuantClassifier


def images(network: QuantClassifier, count: int, seed: int = 0) -> Tensor:
    """Random uint8 images over 255, float[N, C, H, W]."""
    height, width, channels = network.input_shape
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, channels, height, width), generator=generator) / 255


def activations(network: QuantClassifier, inputs: Tensor) -> list[tuple[str, Tensor]]:
    """Return (name, values) behind each layer of features for images over 255, then the logits."""
    found, values = [], inputs
    for name, layer in network.features.named_children():
        values = layer(values)
        found.append((name, values))
    return [*found, ("logits", network.classifier(values) * network.temperature)]
