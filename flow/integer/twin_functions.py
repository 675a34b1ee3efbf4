# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Exact forward, straight-through backward: the two functions that take a twin's time.

Forward, a convolution of small integers runs on bytes where the processor multiplies them four at
a time (VNNI), since the sums are the same. Backward, its gradient runs in bfloat16 where the
processor has that: an attack takes the sign of a sum, which 8 bits of mantissa rarely change, and
nothing exact depends on it. Everywhere else both run in the twin's own float.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.grad import conv2d_input

__all__ = ["Convolve", "Count", "Geometry", "Staircase", "Weights"]

_CAPABILITIES = torch.cpu.get_capabilities()
_BYTES = bool(_CAPABILITIES.get("avx512_vnni")) and hasattr(torch.ops.onednn, "qconv2d_pointwise")
_BFLOAT16 = bool(_CAPABILITIES.get("avx512_bf16"))


@dataclass(frozen=True)
class Geometry:
    """Of a convolution; padding is that of rows and of columns, on both sides."""

    stride: tuple[int, int]
    padding: tuple[int, int]
    groups: int


class Weights(nn.Module):
    """One convolution's weights [O, I, KH, KW] in every form that it computes with."""

    exact: Tensor
    rough: Tensor

    def __init__(self, values: Tensor, geometry: Geometry, *, of_bytes: bool) -> None:
        """Keep the weights; of_bytes: the inputs are integers of 0..255, the weights int8."""
        super().__init__()
        self.geometry, self.of_bytes = geometry, of_bytes and values.dtype == torch.float32
        last = values.contiguous(memory_format=torch.channels_last)
        self.register_buffer("exact", last)
        self.register_buffer("rough", last.bfloat16(), persistent=False)
        self._packed: tuple[list[int], Tensor] | None = None

    def sums(self, values: Tensor) -> Tensor:
        """Return the exact sums of integer values."""
        geometry = self.geometry
        if _BYTES and self.of_bytes and values.device.type == "cpu" and len(values):
            return self._sums_of_bytes(values)
        return functional.conv2d(
            values,
            self.exact,
            stride=geometry.stride,
            padding=geometry.padding,
            groups=geometry.groups,
        )

    def _sums_of_bytes(self, values: Tensor) -> Tensor:
        geometry, ones = self.geometry, torch.ones(len(self.exact))
        place = [list(geometry.stride), list(geometry.padding), [1, 1], geometry.groups]
        small = values.to(torch.uint8, memory_format=torch.channels_last)
        shape = list(small.shape)
        if self._packed is None or self._packed[0] != shape:
            signed = self.exact.to(torch.int8)
            packed = torch.ops.onednn.qconv_prepack(signed, ones, 1.0, 0, *place, shape)
            self._packed = shape, packed
        zeros = torch.zeros(len(ones), dtype=torch.long)
        weights = (self._packed[1], ones, zeros, None)
        found: Tensor = torch.ops.onednn.qconv2d_pointwise(
            *(small, 1.0, 0),  # scale, zero
            *weights,
            *place,
            *(1.0, 0, torch.float32, "none", [], ""),  # scale, zero, type, nothing after it
        )
        return found

    def pull(self, gradient: Tensor, shape: torch.Size) -> Tensor:
        """Return the gradient of the inputs."""
        geometry, weights = self.geometry, self.exact
        if _BFLOAT16 and gradient.device.type == "cpu" and gradient.dtype == torch.float32:
            gradient, weights = gradient.bfloat16(), self.rough
        place = (geometry.stride, geometry.padding, 1, geometry.groups)
        found: Tensor = conv2d_input(shape, weights, gradient, *place)
        return found.to(self.exact.dtype)


class Convolve(torch.autograd.Function):
    """A convolution that is differentiated with respect to its input only."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, weights: Weights) -> Tensor:  # noqa: ANN401
        """Return the sums."""
        ctx.weights, ctx.shape = weights, values.shape
        return weights.sums(values)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401
        """Return the gradient of the input."""
        return ctx.weights.pull(gradients[0], ctx.shape), None


class Staircase(nn.Module):
    """Thresholds [C, T], and a line per channel whose level is 1 near the first, T near the last.

    Attributes:
        slope, start: of the line, shaped to multiply the values.
        pull: the slope that gradients are multiplied by.
        counts: the line is proven to count: floor(clamp(level, 0, T)) == #{t <= x}.
    """

    thresholds: Tensor
    slope: Tensor
    start: Tensor
    pull: Tensor

    def __init__(self, *, counts: bool, **tensors: Tensor) -> None:
        """Keep the tensors, called as the attributes."""
        super().__init__()
        self.counts = counts
        for name, tensor in tensors.items():
            self.register_buffer(name, tensor)
        self.levels = tensors["thresholds"].shape[1]


class Count(torch.autograd.Function):
    """Threshold counting forward, the clipped straight-through estimator backward.

    The staircase #{t <= x} is replaced by a line of slope (T - 1) / (t_last - t_first), at most
    1, from half a step before the first to half a step after the last threshold, zero outside
    (Bengio et al. 2013; clipping as in Hubara et al. 2016). Half a step before and after is where
    the staircase's line is at 1/2 and at T + 1/2; a line that counts lies within one unit of the
    thresholds, and so do its ends. A lone threshold has a line of its own: see half_window.
    """

    @staticmethod
    def forward(ctx: Any, values: Tensor, stairs: Staircase) -> Tensor:  # noqa: ANN401
        """Return the counts: of the line if it counts, else by comparisons."""
        whole = values.floor()  # x >= t exactly if floor(x) >= t
        count = None if stairs.counts else _compare(whole, stairs.thresholds)
        level = whole.mul_(stairs.slope).add_(stairs.start)
        ctx.save_for_backward(level)
        ctx.stairs = stairs
        return level.clamp(0, stairs.levels).floor_() if count is None else count

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401
        """Return the gradient between the ends, times the slope."""
        (level,), stairs = ctx.saved_tensors, ctx.stairs
        ends = (0.5, stairs.levels + 0.5)
        inside = torch.ops.aten.hardtanh_backward(gradients[0], level, *ends)
        return inside.mul_(stairs.pull), None


def _compare(values: Tensor, thresholds: Tensor) -> Tensor:
    kind = torch.uint8 if thresholds.shape[1] < 256 else torch.int32
    count = torch.zeros_like(values, dtype=kind)
    for level in thresholds.unbind(1):
        count += values >= level.view(-1, *[1] * (values.dim() - 2))
    return count.to(values.dtype)
