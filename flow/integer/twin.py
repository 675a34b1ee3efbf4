# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The integer network in torch, with straight-through gradients for white-box attacks."""

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from flow.integer.bounds import Interval, exact_float
from flow.integer.operations import Convolution, Dense, Flatten, Operation, Threshold

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
        match operation:
            case Convolution():
                kernel = np.ascontiguousarray(operation.weights.transpose(3, 2, 0, 1))
                self.register_buffer("constant", torch.from_numpy(kernel).to(dtype))
            case Dense():
                matrix = np.ascontiguousarray(operation.weights.T)
                self.register_buffer("constant", torch.from_numpy(matrix).to(dtype))
            case Threshold():
                self.register_buffer("constant", torch.from_numpy(operation.thresholds).to(dtype))

    constant: Tensor

    def forward(self, values: Tensor) -> Tensor:
        match self.operation:
            case Convolution(stride=stride, padding=(top, left, bottom, right)):
                padded = functional.pad(values, (left, right, top, bottom))
                return functional.conv2d(padded, self.constant, stride=stride)
            case Dense():
                return functional.linear(values, self.constant)
            case Threshold(offset=offset):
                return torch.Tensor(_Count.apply(values, self.constant)) + offset
            case Flatten():
                return values.permute(0, 2, 3, 1).flatten(1)
            case other:
                raise AssertionError(other)


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
        self.layers = nn.Sequential(*(_Module(item, self.dtype) for item in network.operations))

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits; see the class."""
        logits: Tensor = self.layers(images.to(self.dtype).permute(0, 3, 1, 2))
        return logits


def _dtype(network: "IntegerNetwork") -> torch.dtype:
    largest, values = 255, Interval(0, 255)
    for operation in network.operations:
        if isinstance(operation, Convolution | Dense):
            sums = np.abs(operation.weights).reshape(-1, operation.weights.shape[-1]).sum(axis=0)
            largest = max(largest, int(sums.max()) * values.magnitude())
        if isinstance(operation, Threshold):
            largest = max(largest, int(np.abs(operation.thresholds).max()))
        values = operation.output_range(values)
    return torch.float32 if exact_float(largest) is np.float32 else torch.float64
