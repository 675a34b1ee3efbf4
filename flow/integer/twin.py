# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The integer network in torch, with straight-through gradients for white-box attacks."""

from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from flow.integer._twin_native import Traced, plan_traced_twin
from flow.integer._twin_plan import Step, plan_twin
from flow.integer._twin_windows import half_window
from flow.integer.graph import IntegerGraph
from flow.integer.native.lines import Reals, fit_lines
from flow.integer.native.traced import TracedNetwork, TracedPlan
from flow.integer.operations import (
    IMAGE,
    Add,
    Bias,
    Concat,
    Convolution,
    Dense,
    Flatten,
    Gather,
    Integers,
    MaxPool,
    Padding,
    Scale,
    SumPool,
    Threshold,
    Unflatten,
)
from flow.integer.twin_functions import Convolve, Count, Geometry, Staircase, Weights

__all__ = ["Twin"]

_MOST_LEVELS = 255  # of a line


class _Convolution(nn.Module):
    def __init__(self, operation: Convolution, step: Step, dtype: torch.dtype) -> None:
        super().__init__()
        top, left, bottom, right = operation.padding
        self.around = (0, 0, 0, 0) if (top, left) == (bottom, right) else operation.padding
        padding = (top, left) if (top, left) == (bottom, right) else (0, 0)
        geometry = Geometry(operation.stride, padding, operation.groups)
        weights = operation.weights
        of_bytes = step.whole and step.values.lo >= 0 and step.values.hi <= 255
        of_bytes &= weights.min() >= -128 and weights.max() <= 127
        values = _tensor(weights.transpose(3, 2, 0, 1), dtype)
        self.weights = Weights(values, geometry, of_bytes=bool(of_bytes))

    def forward(self, values: Tensor) -> Tensor:
        return torch.Tensor(Convolve.apply(_pad(values, self.around), self.weights))


class _Threshold(nn.Module):
    def __init__(self, operation: Threshold, stairs: Staircase) -> None:
        super().__init__()
        self.offset, self.step, self.stairs = operation.offset, operation.step, stairs

    def forward(self, values: Tensor) -> Tensor:
        count = torch.Tensor(Count.apply(values, self.stairs))
        return count if (self.offset, self.step) == (0, 1) else self.step * count + self.offset


def _staircase(
    levels: Integers, step: Step, half: Reals | None, dimensions: int, dtype: torch.dtype
) -> Staircase:
    """Fit a line that counts; else take the one through the first and the last threshold.

    The line of a lone threshold is 1 there, and ends at `half` to both sides.
    """
    if half is not None:
        pull = 1 / (2 * half)
        return _stairs(levels, (pull, 1 - levels[:, 0] * pull, pull), False, dimensions, dtype)
    first, spacing = levels[:, 0], (levels[:, -1] - levels[:, 0]) / max(levels.shape[1] - 1, 1)
    pull = 1 / spacing.clip(min=1.0)
    slope: Reals = pull
    start, counts, values = 1 - first * pull, False, step.values
    if levels.shape[1] <= _MOST_LEVELS:
        lines = fit_lines(levels.clip(values.lo, values.hi + 1), values)
        if lines is not None and torch.from_numpy(lines[0]).dtype == dtype:
            (slope, start), counts = lines, True
    return _stairs(levels, (slope, start, pull), counts, dimensions, dtype)


def _stairs(
    levels: Integers,
    lines: tuple[Reals, Reals, Reals],
    counts: bool,
    dimensions: int,
    dtype: torch.dtype,
) -> Staircase:
    channels = (-1, *[1] * (dimensions - 1))
    slope, start, pull = (_tensor(array, dtype).view(channels) for array in lines)
    return Staircase(
        counts=counts, thresholds=_tensor(levels, dtype), slope=slope, start=start, pull=pull
    )


class _Module(nn.Module):
    """Any other operation on float tensors that hold integers; images are NCHW inside."""

    constant: Tensor

    def __init__(self, step: Step, dtype: torch.dtype) -> None:
        super().__init__()
        self.operation = step.operation
        match step.operation:
            case Dense(weights=weights):
                self.register_buffer("constant", _tensor(weights.T, dtype))
            case Bias(values=values):
                self.register_buffer("constant", _tensor(values, dtype))
            case Gather(places=places):
                self.register_buffer("constant", torch.from_numpy(places.reshape(-1)))
            case Scale(factors=factors):
                self.register_buffer("constant", _tensor(factors, dtype))

    def forward(self, *values: Tensor) -> Tensor:  # noqa: PLR0911 - one a kind
        first = values[0]
        match self.operation:
            case Dense():
                return functional.linear(first, self.constant)
            case Unflatten():
                return first[:, :, None, None]
            case Flatten():
                return first.permute(0, 2, 3, 1).flatten(1)
            case Add(factors=factors):
                return torch.stack([f * v for f, v in zip(factors, values, strict=True)]).sum(0)
            case Bias():
                return first + self.constant.view(-1, *[1] * (first.dim() - 2))
            case Concat(axis=axis):
                return torch.cat(values, 1 if axis < 0 else axis + 2)
            case Gather() as gather:
                return self._gathered(first, gather)
            case Scale():
                return first * self.constant
            case MaxPool(kernel=kernel, stride=stride, padding=padding):
                padded = _pad(first, padding, fill=-torch.inf)
                return functional.max_pool2d(padded, kernel, stride)
            case SumPool(kernel=kernel, stride=stride, padding=padding):
                padded = _pad(first, padding)
                return functional.avg_pool2d(padded, kernel, stride, divisor_override=1)
            case other:
                raise AssertionError(other)

    def _gathered(self, values: Tensor, gather: Gather) -> Tensor:
        last = values.permute(0, 2, 3, 1) if values.dim() == 4 else values
        rows = last.reshape(len(values), -1, gather.channels).index_select(1, self.constant)
        height, width = gather.places.shape
        return rows.view(len(rows), height, width, gather.channels).permute(0, 3, 1, 2)


def _layer(step: Step, network: IntegerGraph, dtype: torch.dtype) -> nn.Module:
    match step.operation:
        case Convolution() as convolution:
            return _Convolution(convolution, step, dtype)
        case Threshold(name=name, thresholds=levels) as threshold:
            half, dimensions = half_window(network, threshold), len(network.shapes[name])
            return _Threshold(threshold, _staircase(levels, step, half, dimensions, dtype))
    return _Module(step, dtype)


def _tensor(values: Integers | Reals, dtype: torch.dtype) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values)).to(dtype)


def _pad(values: Tensor, padding: Padding, fill: float = 0.0) -> Tensor:
    top, left, bottom, right = padding
    if not any(padding):
        return values
    return functional.pad(values, (left, right, top, bottom), value=fill)


class Twin(nn.Module):
    """Torch module equal to an IntegerNetwork on every integer image, with gradients.

    forward takes float[N, H, W, C] in uint8 units, 0..255 (attacks may pass values between the
    integers), and returns float[N, K] logits in the units of the integer logits. It computes in
    float32 where the proven sums stay below 2**24, else in float64, so that integer images give
    exactly the integer logits. Gradients are straight-through (see Count) and with respect to the
    images only.

    Whole images on the processor go through the native engine and back through its gradients in
    float32, the same bits on every processor. Everything else goes through torch, layer by layer;
    there gradients of float32 convolutions are rounded to bfloat16 on processors that have it.
    """

    def __init__(self, network: IntegerGraph) -> None:
        super().__init__()
        self.network, self.plan = network, plan_twin(network)
        self.dtype = self.plan.dtype
        self.layers = nn.ModuleList(_layer(step, network, self.dtype) for step in self.plan.steps)

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits; see the class."""
        if self._is_whole(images) and self.engine is not None:
            return torch.Tensor(Traced.apply(images, self.engine))
        return self.layered(images)

    @cached_property
    def engine(self) -> TracedNetwork | None:
        """What computes whole images on the processor; None where the kernels can't."""
        plan = self.traced_plan()
        return None if plan is None else TracedNetwork(plan)

    def traced_plan(self, isa: str | None = None) -> TracedPlan | None:
        """Return the plan of the engine on an instruction set, the fastest if none is named."""
        stairs = {
            step.operation.name: layer.stairs
            for step, layer in zip(self.plan.steps, self.layers, strict=True)
            if isinstance(layer, _Threshold)
        }
        return plan_traced_twin(self.network, self.plan, stairs, isa=isa)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the engine, whose memory no other process has."""
        return {key: value for key, value in self.__dict__.items() if key != "engine"}

    def _is_whole(self, images: Tensor) -> bool:
        """Whether the images are uint8 values, so that the engine can take them."""
        if images.device.type != "cpu" or self.dtype != torch.float32:
            return False
        return bool(torch.equal(images, images.to(torch.uint8).to(images.dtype)))

    def layered(self, images: Tensor) -> Tensor:
        """Return the same by torch's operations, layer by layer; what defines the gradient."""
        held = {IMAGE: images.to(self.dtype).permute(0, 3, 1, 2)}
        for step, layer in zip(self.plan.steps, self.layers, strict=True):
            held[step.operation.name] = layer(*(held[name] for name in step.sources))
        return held[self.plan.output]
