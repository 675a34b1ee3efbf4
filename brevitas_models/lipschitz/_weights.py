# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The layers with weights of any model, and their weights as they run."""

from typing import Any

import torch
from torch import Tensor, nn

from brevitas_models.classifier import QuantClassifier

__all__ = ["matrices", "multiplicity", "named_layers", "quantized_weight", "weighted_modules"]

_WEIGHTED = (nn.Conv2d, nn.Linear)  # Brevitas' layers are kinds of these


def weighted_modules(model: nn.Module) -> list[tuple[str, Any]]:
    """Return name and module of every convolution and linear layer, in order of definition."""
    return [(name, one) for name, one in model.named_modules() if isinstance(one, _WEIGHTED)]


def named_layers(model: nn.Module) -> dict[str, Any]:
    """Return the same by the names that a bit table uses, or the modules' if there is none."""
    if isinstance(model, QuantClassifier):
        return model.layers()
    return dict(weighted_modules(model))


def quantized_weight(layer: Any) -> Tensor:  # noqa: ANN401 - Brevitas has no types
    """Return a layer's dequantized integer weights, with straight-through gradients.

    While its quantizer is switched off, they are the float weights, clipped as it clips.
    """
    weight: Any = layer.quant_weight() if hasattr(layer, "quant_weight") else layer.weight
    found: Tensor = getattr(weight, "value", weight)
    return found


def matrices(weight: Tensor, groups: int) -> Tensor:
    """Return float[groups, out / groups, in / groups * kh * kw]."""
    return weight.reshape(groups, weight.shape[0] // groups, -1)


def multiplicity(layer: nn.Module) -> int:
    """Return how many windows of a convolution an input can be in; 1 for a linear layer."""
    if not isinstance(layer, nn.Conv2d):
        return 1
    sides = zip(layer.kernel_size, layer.stride, strict=True)
    return int(torch.tensor([-(-kernel // step) for kernel, step in sides]).prod())
