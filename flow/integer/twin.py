# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The integer network in torch, with straight-through gradients for white-box attacks."""

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from flow.integer.bounds import exact_float
from flow.integer.operations import (
    IMAGE,
    Add,
    Bias,
    Concat,
    Convolution,
    Dense,
    Flatten,
    MaxPool,
    Operation,
    Padding,
    SumPool,
    Threshold,
)

if TYPE_CHECKING:
    from flow.integer.network import IntegerNetwork

__all__ = ["Twin"]


class _Count(torch.autograd.Function):
    """Threshold counting forward, the clipped straight-through estimator backward.

    The staircase #{t <= x} is replaced by the line through the middles of its outer steps: slope
    (T - 1) / (t_last - t_first) from half a step before the first to half a step after the last
    threshold, zero outside (Bengio et al. 2013; clipping as in Hubara et al. 2016).
    """

    @staticmethod
    def forward(ctx: Any, values: Tensor, thresholds: Tensor) -> Tensor:  # noqa: ANN401
        ctx.save_for_backward(values, thresholds)
        kind = torch.uint8 if thresholds.shape[1] < 256 else torch.int32
        count = torch.zeros_like(values, dtype=kind)
        for level in thresholds.unbind(1):
            count += values >= level.view(-1, *[1] * (values.dim() - 2))
        return count.to(values.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401
        values, thresholds = ctx.saved_tensors
        first, last = thresholds[:, 0], thresholds[:, -1]
        steps = max(thresholds.shape[1] - 1, 1)
        step = ((last - first) / steps).clamp(min=1.0)
        shape = (-1, *[1] * (values.dim() - 2))
        inside = (values >= (first - step / 2).view(shape)) & (
            values <= (last + step / 2).view(shape)
        )
        return gradients[0] * inside / step.view(shape), None


class _Module(nn.Module):
    """One operation on float tensors that hold integers; images are NCHW inside."""

    def __init__(self, operation: Operation, dtype: torch.dtype) -> None:
        super().__init__()
        self.operation = operation
        constant = _constant(operation)
        if constant is not None:
            tensor = torch.from_numpy(np.ascontiguousarray(constant)).to(dtype)
            self.register_buffer("constant", tensor)

    constant: Tensor

    def forward(self, *values: Tensor) -> Tensor:  # noqa: PLR0911 - one a kind
        first = values[0]
        match self.operation:
            case Convolution(stride=stride, padding=padding, groups=groups):
                padded = _pad(first, padding)
                return functional.conv2d(padded, self.constant, stride=stride, groups=groups)
            case Dense():
                return functional.linear(first, self.constant)
            case Threshold(offset=offset, step=step):
                return step * torch.Tensor(_Count.apply(first, self.constant)) + offset
            case Flatten():
                return first.permute(0, 2, 3, 1).flatten(1)
            case Add(factors=factors):
                return torch.stack([f * v for f, v in zip(factors, values, strict=True)]).sum(0)
            case Bias():
                return first + self.constant.view(-1, *[1] * (first.dim() - 2))
            case Concat():
                return torch.cat(values, 1)
            case MaxPool(kernel=kernel, stride=stride, padding=padding):
                padded = _pad(first, padding, fill=-torch.inf)
                return functional.max_pool2d(padded, kernel, stride)
            case SumPool(kernel=kernel, stride=stride, padding=padding):
                padded = _pad(first, padding)
                return functional.avg_pool2d(padded, kernel, stride, divisor_override=1)
            case other:
                raise AssertionError(other)


def _constant(operation: Operation) -> NDArray[np.int64] | None:
    match operation:
        case Convolution(weights=weights):
            return weights.transpose(3, 2, 0, 1)
        case Dense(weights=weights):
            return weights.T
        case Threshold(thresholds=thresholds):
            return thresholds
        case Bias(values=values):
            return values
    return None


def _pad(values: Tensor, padding: Padding, fill: float = 0.0) -> Tensor:
    top, left, bottom, right = padding
    return functional.pad(values, (left, right, top, bottom), value=fill)


class Twin(nn.Module):
    """Torch module equal to an IntegerNetwork on every integer image, with gradients.

    forward takes float[N, H, W, C] in uint8 units, 0..255 (attacks may pass values between the
    integers), and returns float[N, K] logits in the units of the integer logits. It computes in
    float32 where the proven sums stay below 2**24, else in float64, so that integer images give
    exactly the integer logits. Gradients are straight-through (see _Count).
    """

    def __init__(self, network: "IntegerNetwork") -> None:
        super().__init__()
        self.dtype = _dtype(network)
        self.network = network
        self.layers = nn.ModuleList(_Module(item, self.dtype) for item in network.operations)

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits; see the class."""
        held = {IMAGE: images.to(self.dtype).permute(0, 3, 1, 2)}
        for operation, layer in zip(self.network.operations, self.layers, strict=True):
            read = self.network.sources[operation.name]
            held[operation.name] = layer(*(held[name] for name in read))
        return held[self.network.output]


def _dtype(network: "IntegerNetwork") -> torch.dtype:
    """Return the float that holds every partial sum; partial sums of products included."""
    ranges = network.ranges()
    largest = max(interval.magnitude() for interval in ranges.values())
    for operation in network.operations:
        if isinstance(operation, Convolution | Dense):
            sums = np.abs(operation.weights).reshape(-1, operation.weights.shape[-1]).sum(axis=0)
            read = ranges[network.sources[operation.name][0]]
            largest = max(largest, int(sums.max()) * read.magnitude())
        if isinstance(operation, Threshold):
            largest = max(largest, int(np.abs(operation.thresholds).max()))
    return torch.float32 if exact_float(largest) is np.float32 else torch.float64
