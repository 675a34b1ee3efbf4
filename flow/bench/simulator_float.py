# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The float32 network of the same topology as an integer network."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from flow.integer import (
    IMAGE,
    Add,
    Concat,
    Convolution,
    Dense,
    Flatten,
    Gather,
    IntegerNetwork,
    MaxPool,
    Operation,
    SumPool,
    Threshold,
    Unflatten,
)

__all__ = ["float_network"]


_AXES = {-1: 1, 0: 2, 1: 3}  # of [H, W, C] among those of [N, C, H, W]


class _FloatNetwork(nn.Module):
    """Layers with biases in place of BatchNorm and ReLUs in place of thresholds."""

    def __init__(self, network: IntegerNetwork) -> None:
        super().__init__()
        self.network = network
        self.layers = nn.ModuleList(_layer(operation) for operation in network.operations)

    def forward(self, images: Tensor) -> Tensor:
        held = {IMAGE: images}
        for operation, layer in zip(self.network.operations, self.layers, strict=True):
            read = [held[name] for name in self.network.sources[operation.name]]
            match operation:
                case Add():
                    held[operation.name] = sum(read[1:], start=read[0])
                case Concat(axis=axis):
                    held[operation.name] = torch.cat(read, _AXES[axis])
                case _:
                    held[operation.name] = layer(read[0])
        return held[self.network.output]


class _Padded(nn.Module):
    """Pads by any amount on any side, as torch's own layers can't."""

    def __init__(self, padding: tuple[int, int, int, int], layer: nn.Module) -> None:
        super().__init__()
        self.padding, self.layer = padding, layer

    def forward(self, images: Tensor) -> Tensor:
        top, left, bottom, right = self.padding
        padded = functional.pad(images, (left, right, top, bottom)) if any(self.padding) else images
        found: Tensor = self.layer(padded)
        return found


class _Taken(nn.Module):
    """Takes the rows of channels at given places, which become the pixels."""

    def __init__(self, operation: Gather) -> None:
        super().__init__()
        self.size, self.channels = operation.places.shape, operation.channels
        self.rows = torch.from_numpy(operation.places.ravel())

    def forward(self, values: Tensor) -> Tensor:
        last = values.permute(0, 2, 3, 1) if values.ndim > 2 else values
        rows = last.reshape(len(values), -1, self.channels)[:, self.rows]
        return rows.reshape(len(values), *self.size, self.channels).permute(0, 3, 1, 2)


def _layer(operation: Operation) -> nn.Module:  # noqa: PLR0911 - one a kind
    match operation:  # the rest, as a bias, is part of the layer before it
        case Convolution(stride=stride, padding=padding, groups=groups):
            inputs, outputs = operation.weights.shape[2] * groups, operation.weights.shape[3]
            size = operation.kernel
            if padding[:2] == padding[2:]:
                return nn.Conv2d(inputs, outputs, size, stride, padding[:2], groups=groups)
            return _Padded(padding, nn.Conv2d(inputs, outputs, size, stride, groups=groups))
        case Dense(weights=weights):
            return nn.Linear(*weights.shape)
        case MaxPool(kernel=kernel, stride=stride, padding=padding):
            return _Padded(padding, nn.MaxPool2d(kernel, stride))
        case SumPool(kernel=kernel, stride=stride, padding=padding):
            return _Padded(padding, nn.AvgPool2d(kernel, stride))
        case Gather():
            return _Taken(operation)
        case Unflatten():
            return nn.Unflatten(1, (-1, 1, 1))
        case Flatten():
            return nn.Flatten()
        case Threshold():
            return nn.ReLU()
    return nn.Identity()


def float_network(network: IntegerNetwork) -> nn.Module:
    """Return random float32 layers of the same shapes and wiring, on [N, C, H, W], to time them."""
    return _FloatNetwork(network).eval()
