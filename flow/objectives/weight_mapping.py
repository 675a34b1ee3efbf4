# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A nonlinear mapping of the weights before their quantizers (Song, Fallon and Li 2020).

The paper's own formula was not at hand. Ours is mu-law companding in each output channel: with m
the channel's largest absolute weight, w becomes sign(w) m ln(1 + mu |w| / m) / ln(1 + mu). It
moves weights away from 0, where a linear quantizer has too few levels for the many small ones,
and leaves the largest as it is, so that scales taken from the largest weight stay right. The
quantized weights lie on the same grid as before: the hardware is the same.
"""

import math
from typing import Any

import torch
from brevitas.nn.mixin.parameter import QuantWeightMixin
from torch import Tensor, nn
from torch.nn.utils import parametrize

from flow.storage.network_state import capture, restore

__all__ = ["map_weights", "unmap_weights"]


class _MuLaw(nn.Module):
    def __init__(self, mu: float) -> None:
        super().__init__()
        self.mu = mu

    def forward(self, weight: Tensor) -> Tensor:
        largest = _largest(weight)
        return (
            weight.sign()
            * largest
            * torch.log1p(self.mu * weight.abs() / largest)
            / math.log1p(self.mu)
        )

    def right_inverse(self, weight: Tensor) -> Tensor:
        largest = _largest(weight)
        return (
            weight.sign()
            * largest
            * torch.expm1(weight.abs() / largest * math.log1p(self.mu))
            / self.mu
        )


def _largest(weight: Tensor) -> Tensor:
    found: Tensor = weight.detach().flatten(1).abs().amax(dim=1)
    return found.clamp(min=torch.finfo(weight.dtype).tiny).reshape(-1, *[1] * (weight.ndim - 1))


def map_weights(network: nn.Module, mu: float) -> None:
    """Train the preimages of every Brevitas layer's weights under the mapping, mu above 0.

    The weights themselves stay as they are but for float rounding.
    """
    for module in network.modules():
        if isinstance(module, QuantWeightMixin):
            parametrize.register_parametrization(module, "weight", _MuLaw(mu))


def unmap_weights(network: nn.Module) -> None:
    """Store the mapped weights as plain parameters; nothing happens where there is no mapping.

    Brevitas makes a quantizer anew when its layer gets a weight: its learned state is kept.
    """
    for module in network.modules():
        if isinstance(module, QuantWeightMixin) and parametrize.is_parametrized(module, "weight"):
            quantizer: Any = module.weight_quant
            state = capture(quantizer)
            parametrize.remove_parametrizations(module, "weight", leave_parametrized=True)
            restore(quantizer, state)
