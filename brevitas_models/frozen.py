# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A network of plain layers with everything constant folded: what training attacks, faster."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from brevitas_models.blocks import QuantBlock
from brevitas_models.classifier import QuantClassifier
from brevitas_models.errors import ModelError
from brevitas_models.quantizers import InputSqueeze, staircase

__all__ = ["FrozenNetwork", "freeze"]

_Step = Callable[[Tensor], Tensor]  # integers of one layer, as floats, to those of the next


@dataclass(frozen=True)
class FrozenNetwork:
    """Constant weights with BatchNorm (eval mode) and quantizers folded in.

    Equals the network in eval mode but for float rounding, which matters only where an activation
    lies on a rounding tie: a gradient for attacks, never a reference. A max pool goes before the
    rounding in front of it, which gives the same numbers, and gradients to the true maximum.
    """

    steps: tuple[_Step, ...]

    def __call__(self, images: Tensor) -> Tensor:
        """Map images float[N, C, H, W] in uint8 units 0..255 to logits float[N, K]."""
        values = images
        for step in self.steps:
            values = step(values)
        return values


def freeze(network: QuantClassifier) -> FrozenNetwork:
    """Fold the network as it is now; later training steps do not change the result.

    Raises:
        ModelError: it has residual blocks, 1-bit or DQA activations, or an average pool; training
            attacks such a network itself.
    """
    with torch.no_grad():
        children = list(network.features.named_children())
        steps: list[_Step] = []
        while children:
            name, module = children.pop(0)
            pooled = bool(children) and isinstance(children[0][1], nn.MaxPool2d)
            steps.append(_folded(network.architecture, name, module, pooled=pooled))
            if pooled:
                children.pop(0)
        last = network.classifier.quant_weight().value * network.source_step
        steps.append(_Linear(last * network.temperature))
    return FrozenNetwork(tuple(steps))


def _folded(architecture: str, name: str, module: nn.Module, *, pooled: bool) -> _Step:
    if isinstance(module, InputSqueeze):
        return _Squeeze(1 / (255 * module.step))
    if isinstance(module, nn.Flatten):
        return _flat
    found = staircase(module.activation) if isinstance(module, QuantBlock) else None
    if not isinstance(module, QuantBlock) or found is None or found.lowest != 0:
        raise ModelError(
            f"{architecture}: {name} cannot be frozen, only blocks with clipped ReLUs; "
            "train without freeze"
        )
    norm, source = module.norm, module.source.step
    gain = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    bias = (norm.bias - norm.running_mean * gain) / found.step
    weight = module.layer.quant_weight().value
    shape = (-1, *(1 for _ in weight.shape[1:]))
    weight = weight * (gain * (source / found.step)).reshape(shape)
    return _Block(module.layer, weight, bias, len(found.thresholds), pooled)


class _RoundClamp(torch.autograd.Function):
    """Round, then clamp to 0..levels; the gradient passes straight through inside that range."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, levels: int) -> Tensor:  # noqa: ANN401 - torch's own
        ctx.save_for_backward((values > 0) & (values < levels))
        return values.round().clamp_(0, levels)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401
        (inside,) = ctx.saved_tensors
        return gradient * inside, None


class _StraightRound(torch.autograd.Function):
    """round; the gradient passes straight through."""

    @staticmethod
    def forward(_ctx: Any, values: Tensor) -> Tensor:  # noqa: ANN401 - torch's own
        return values.round()

    @staticmethod
    def backward(_ctx: Any, gradient: Tensor) -> Tensor:  # noqa: ANN401
        return gradient


@dataclass(frozen=True)
class _Squeeze:
    scale: float

    def __call__(self, images: Tensor) -> Tensor:
        found: Tensor = _StraightRound.apply(images * self.scale)
        return found


@dataclass(frozen=True)
class _Linear:
    weight: Tensor

    def __call__(self, values: Tensor) -> Tensor:
        return F.linear(values, self.weight)


@dataclass(frozen=True)
class _Block:
    layer: Any  # the Brevitas layer, for its stride, padding and groups
    weight: Tensor
    bias: Tensor
    levels: int
    pooled: bool

    def __call__(self, values: Tensor) -> Tensor:
        sums = self._sums(values)
        found: Tensor = _RoundClamp.apply(
            F.max_pool2d(sums, 2) if self.pooled else sums, self.levels
        )
        return found

    def _sums(self, values: Tensor) -> Tensor:
        if self.weight.ndim == 2:
            return F.linear(values, self.weight, self.bias)
        one = self.layer
        return F.conv2d(
            values, self.weight, self.bias, one.stride, one.padding, one.dilation, one.groups
        )


def _flat(values: Tensor) -> Tensor:
    return values.flatten(1)
