# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The current network as a few plain convolutions: what training attacks, several times faster."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from brevitas_models.network import ConvBlock, QuantConvNet

__all__ = ["FrozenNetwork", "freeze", "round_clamp"]


class _RoundClamp(torch.autograd.Function):
    """See round_clamp."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, levels: int) -> Tensor:  # noqa: ANN401 - torch's own
        ctx.save_for_backward((values > 0) & (values < levels))
        return values.round().clamp_(0, levels)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401
        (inside,) = ctx.saved_tensors
        return gradient * inside, None


def round_clamp(values: Tensor, levels: int) -> Tensor:
    """Round, then clamp to 0..levels; the gradient passes straight through inside that range."""
    found: Tensor = _RoundClamp.apply(values, levels)
    return found


@dataclass(frozen=True)
class _FrozenConv:
    weight: Tensor
    bias: Tensor
    stride: int
    levels: int


@dataclass(frozen=True)
class FrozenNetwork:
    """Constant weights with BatchNorm (eval mode) and quantizers folded in.

    Equals the network in eval mode but for float rounding, which matters only where an
    activation lies on a rounding tie; it serves as a gradient for attacks, never as a reference.
    """

    convolutions: tuple[_FrozenConv, ...]
    classifier: Tensor

    def __call__(self, images: Tensor) -> Tensor:
        """Map images float[N, C, H, W] in uint8 units 0..255 to logits float[N, K]."""
        values = images
        for conv in self.convolutions:
            values = F.conv2d(values, conv.weight, conv.bias, stride=conv.stride, padding=1)
            values = round_clamp(values, conv.levels)
        return F.linear(values.flatten(1), self.classifier)


def freeze(network: QuantConvNet) -> FrozenNetwork:
    """Fold the network as it is now; later training steps do not change the result."""
    with torch.no_grad():
        step, convolutions = 1 / 255, []
        for block, stride in zip(network.conv_blocks(), network.settings.strides, strict=True):
            convolutions.append(_fold(block, step, stride))
            step = block.activation_step
        classifier = network.classifier.quant_weight().value * step
    return FrozenNetwork(tuple(convolutions), classifier)


def _fold(block: ConvBlock, input_step: float, stride: int) -> _FrozenConv:
    norm = block.norm
    assert norm.running_var is not None
    assert norm.running_mean is not None
    gain = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    bias = (norm.bias - norm.running_mean * gain) / block.activation_step
    scale = (gain * (input_step / block.activation_step))[:, None, None, None]
    weight = block.conv.quant_weight().value * scale
    return _FrozenConv(weight, bias, stride, block.activation_levels)
