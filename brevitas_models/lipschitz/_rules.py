# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""How far each kind of node can carry two inputs apart."""

import operator
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from brevitas_models.joins import ConvexSum
from brevitas_models.lipschitz.norms import Norm, Window, operator_norm
from brevitas_models.quantizers import DynamicQuantizedActivation, Staircase

__all__ = ["FUNCTIONS", "PASSING", "Bound", "joined", "pooled", "quantized"]


@dataclass(frozen=True)
class Bound:
    """||f(x) - f(y)|| <= slope * ||x - y|| + rounding."""

    slope: float
    rounding: float = 0.0

    def __mul__(self, factor: float) -> "Bound":
        return Bound(self.slope * factor, self.rounding * factor)

    def __add__(self, other: "Bound") -> "Bound":
        return Bound(self.slope + other.slope, self.rounding + other.rounding)


def quantized(bound: Bound, stairs: Staircase | None, count: int, norm: Norm) -> Bound:
    """Return the bound behind a quantizer of `count` values: each moves by a step more at most."""
    if stairs is None:
        return bound
    steps = stairs.step * (count**0.5 if norm is Norm.L2 else 1.0)
    scaled = bound * stairs.slope
    return Bound(scaled.slope, scaled.rounding + steps)


def pooled(module: nn.Module, shape: tuple[int, ...], norm: Norm) -> float | None:
    """Return the factor of a pool over float[C, H, W]; None if its kind is not known."""
    if norm is Norm.LINF and isinstance(module, _POOLS):
        return 1.0
    if isinstance(module, nn.MaxPool2d):
        kernel, stride = _pair(module.kernel_size), _pair(module.stride)
        sides = zip(kernel, stride, strict=True)
        return float(prod(ceil(size / step) for size, step in sides) ** 0.5)
    if isinstance(module, nn.AvgPool2d) and (
        module.count_include_pad or not any(_pair(module.padding))
    ):
        return operator_norm(*_average(module, shape), norm)
    if isinstance(module, nn.AdaptiveAvgPool2d) and module.output_size in (1, (1, 1)):
        return float((shape[-2] * shape[-1]) ** -0.5)
    return None


_POOLS = (nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d)


def _average(module: nn.AvgPool2d, shape: tuple[int, ...]) -> tuple[Tensor, Window]:
    """Return the pool as the convolution of one channel."""
    height, width = _pair(module.kernel_size)
    divisor = module.divisor_override or height * width
    window = Window(
        size=(shape[-2], shape[-1]), stride=_pair(module.stride), padding=_pair(module.padding)
    )
    return torch.ones(1, 1, height, width) / divisor, window


def _pair(value: Any) -> tuple[int, int]:  # noqa: ANN401 - an int or a pair
    return (value, value) if isinstance(value, int) else (value[0], value[1])


def joined(module: ConvexSum, bounds: list[Bound | None]) -> Bound:
    """Return the bound behind a convex sum of body and shortcut."""
    body, shortcut = (bound or Bound(0.0) for bound in bounds)
    return body * module.alpha + shortcut * (1 - module.alpha)


PASSING = (
    nn.ReLU,
    nn.ReLU6,
    nn.Hardtanh,
    nn.Identity,
    nn.Flatten,
    nn.Dropout,
    nn.Dropout2d,
    DynamicQuantizedActivation,  # if it only clips
)  # layers that bring no two inputs further apart

_Rule = Callable[[list[Bound | None], list[Any]], Bound]


def _size(value: Any) -> float:  # noqa: ANN401 - a number or a tensor
    return float(torch.as_tensor(value).abs().max())


def _sum(bounds: list[Bound | None], values: list[Any]) -> Bound:  # noqa: ARG001
    return sum((bound for bound in bounds if bound is not None), Bound(0.0))


def _product(bounds: list[Bound | None], values: list[Any]) -> Bound:
    place = 0 if bounds[0] is not None else 1
    bound, other = bounds[place], bounds[1 - place]
    if bound is None or other is not None:
        raise NotImplementedError  # of two branches: no bound without bounds of the values
    return bound * _size(values[1 - place])


def _quotient(bounds: list[Bound | None], values: list[Any]) -> Bound:
    if bounds[0] is None or bounds[1] is not None:
        raise NotImplementedError
    return bounds[0] * (1 / float(torch.as_tensor(values[1]).abs().min()))


def _same(bounds: list[Bound | None], values: list[Any]) -> Bound:  # noqa: ARG001
    assert bounds[0] is not None
    return bounds[0]


_KEEPING = (
    "flatten",
    "view",
    "reshape",
    "permute",
    "transpose",
    "contiguous",
    "squeeze",
    "unsqueeze",
    "relu",
    "clamp",
    "clone",
    "detach",
    "float",
)
FUNCTIONS: dict[Any, _Rule] = {
    **dict.fromkeys((operator.add, torch.add, operator.iadd, "add", "add_"), _sum),
    **dict.fromkeys((operator.sub, torch.sub, operator.isub, "sub"), _sum),
    **dict.fromkeys((operator.mul, torch.mul, "mul"), _product),
    **dict.fromkeys((operator.truediv, torch.div, "div"), _quotient),
    **dict.fromkeys((torch.flatten, torch.reshape, torch.relu, F.relu, operator.neg), _same),
    **dict.fromkeys((torch.clamp, torch.permute, torch.transpose), _same),
    **dict.fromkeys(_KEEPING, _same),
}
