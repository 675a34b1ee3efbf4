# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What the architectures are made of: edges between layers, blocks, residual blocks."""

from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from brevitas_models.errors import ModelError
from brevitas_models.joins import ConvexSum
from brevitas_models.quantizers import staircase

__all__ = ["IMAGE_STEP", "Edge", "QuantBlock", "Residual"]

IMAGE_STEP = 1 / 255  # the value of one uint8 unit


@dataclass(frozen=True, kw_only=True, eq=False)
class Edge:
    """What a layer reads: integers times a step.

    Attributes:
        channels: features of a vector, if `size` is None.
        size: height and width of an image.
        source: the quantizer that made it; None for the image over 255.
        divisor: of the step, by the average pools since.
    """

    channels: int
    size: tuple[int, int] | None
    source: nn.Module | None = None
    divisor: int = 1

    @property
    def step(self) -> float:
        """The value of one unit of the integers."""
        if self.source is None:
            return IMAGE_STEP / self.divisor
        found = staircase(self.source)
        assert found is not None
        unit = found.step if found.has_zero else found.step / 2  # odd multiples of half a step
        return unit / self.divisor

    @property
    def bounds(self) -> tuple[int, int]:
        """The least and the largest of the integers."""
        if self.source is None:
            return 0, 255 * self.divisor
        found = staircase(self.source)
        assert found is not None
        low, high = (round(found.levels[end] / self.step) for end in (0, -1))
        return low, high

    @property
    def has_zero(self) -> bool:
        """Whether 0 is one of the values, as zero padding needs."""
        found = None if self.source is None else staircase(self.source)
        return found is None or found.has_zero

    @property
    def features(self) -> int:
        """The number of values of one image."""
        return self.channels * (self.size[0] * self.size[1] if self.size else 1)

    def resized(self, kernel: int, stride: int, padding: int, name: str) -> tuple[int, int]:
        """Return height and width behind a window that moves over the image.

        Raises:
            ModelError: the edge is no image, or smaller than the window.
        """
        if self.size is None or min(self.size) + 2 * padding < kernel:
            shape = "a vector" if self.size is None else f"{self.size[0]} x {self.size[1]}"
            raise ModelError(
                f"network: {name} of {kernel} x {kernel} does not fit what it reads, {shape}; "
                "use larger images or another architecture"
            )
        height, width = ((side + 2 * padding - kernel) // stride + 1 for side in self.size)
        return height, width


class QuantBlock(nn.Module):
    """A weighted layer, its BatchNorm and a quantized activation.

    Attributes:
        layer: the Brevitas convolution or linear layer.
        norm: its BatchNorm.
        activation: the quantizer, which other blocks may share.
        source: what the layer reads.
    """

    layer: Any  # neither Brevitas' types nor the common base of the BatchNorms say enough
    norm: Any
    activation: Any
    source: Edge

    def __init__(
        self, layer: nn.Module, norm: nn.Module, activation: nn.Module, source: Edge
    ) -> None:
        super().__init__()
        self.layer, self.norm, self.activation = layer, norm, activation
        self.source = source

    def forward(self, features: Tensor) -> Tensor:
        """Map float[N, inputs, ...] on the source's grid to float[N, outputs, ...] on its own."""
        found: Tensor = self.activation(self.norm(self.layer(features)))
        return found


class Residual(nn.Module):
    """activation(body(x) + shortcut(x)); one quantizer gives both operands their grid.

    Attributes:
        join: that quantizer.
        mix: the convex sum of the operands, None for the plain one.
    """

    def __init__(
        self,
        *,
        first: QuantBlock,
        second: QuantBlock,
        shortcut: nn.Module,
        join: nn.Module,
        activation: nn.Module,
        mix: ConvexSum | None,
    ) -> None:
        super().__init__()
        self.join, self.first, self.second = join, first, second
        self.shortcut, self.mix, self.activation = shortcut, mix, activation

    def forward(self, features: Tensor) -> Tensor:
        """Map float[N, inputs, H, W] to float[N, outputs, H', W']."""
        body, shortcut = self.second(self.first(features)), self.shortcut(features)
        joined = body + shortcut if self.mix is None else self.mix(body, shortcut)
        found: Tensor = self.activation(joined)
        return found
