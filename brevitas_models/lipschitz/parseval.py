# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Parseval tightness (Cisse, Bojanowski, Grave, Dauphin, Usunier, ICML 2017)."""

from typing import Any

import torch
from torch import nn

from brevitas_models.errors import ModelError
from brevitas_models.lipschitz._weights import (
    matrices,
    multiplicity,
    quantized_weight,
    weighted_modules,
)
from brevitas_models.lipschitz.control import LipschitzControl

__all__ = ["ParsevalTightness", "parseval_tightness"]


class ParsevalTightness(LipschitzControl):
    """After each step W becomes (1 + beta) W - beta W W^T W, a step towards orthonormal rows.

    W is the float weight behind the quantizer, as (out, in * kh * kw). A convolution's rows get
    the length 1 / sqrt(n), n the number of windows that an input is in, so that the convolution
    itself does not expand: the paper divides its output instead, for stride 1. The paper updates
    a random share of the rows; here it is all of them. The default beta is ours. Scales
    that do not follow the weights (a fixed quantizer's) round rows of that length to 0: use a
    learned one.
    """

    def __init__(self, beta: float = 3e-4) -> None:
        if not 0 <= beta < 0.5:
            raise ModelError(f"parseval: beta {beta:g} is not in 0..0.5; change it")
        self.beta = beta

    def project(self, model: nn.Module) -> None:
        """Take the step for every layer."""
        with torch.no_grad():
            for _, layer in weighted_modules(model):
                self._retract(layer)

    def _retract(self, layer: Any) -> None:  # noqa: ANN401 - Brevitas has no types
        scale = multiplicity(layer) ** 0.5
        weight = matrices(layer.weight, getattr(layer, "groups", 1)) * scale
        gram = weight @ weight.transpose(1, 2)
        moved = (1 + self.beta) * weight - self.beta * gram @ weight
        layer.weight.copy_(moved.reshape(layer.weight.shape) / scale)


def parseval_tightness(model: nn.Module) -> dict[str, float]:
    """Return how far each layer's quantized rows are from orthonormal: 0 is a Parseval frame.

    It is ||n W W^T - I||_F / sqrt(rows), n as in ParsevalTightness, over the shorter side of W.
    """
    found = {}
    with torch.no_grad():
        for name, layer in weighted_modules(model):
            weight = matrices(quantized_weight(layer).double(), getattr(layer, "groups", 1))
            rows = weight if weight.shape[1] <= weight.shape[2] else weight.transpose(1, 2)
            gram = rows @ rows.transpose(1, 2) * multiplicity(layer)
            distance = gram - torch.eye(rows.shape[1]).to(gram)
            found[name] = float(distance.norm() / (rows.shape[0] * rows.shape[1]) ** 0.5)
    return found
