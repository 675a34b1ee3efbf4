# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Building a network layer by layer; each layer is named and gets its own bits."""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

import brevitas.nn as qnn
from torch import nn

from brevitas_models.bits import BitTable
from brevitas_models.blocks import Edge, QuantBlock, Residual
from brevitas_models.errors import ModelError
from brevitas_models.joins import ConvexSum, Join
from brevitas_models.quantizers import (
    InputSqueeze,
    Quantizers,
    WeightQuantizer,
    activation,
    signed_activation,
    weight_options,
)
from brevitas_models.settings import Cell, Pool

__all__ = ["Chain", "Parts", "scaled"]

_SPREAD = 0.375  # standard deviation of fresh fixed weights; the largest weight is about 1
_COARSE_SPREAD = 0.5  # the same for 1 and 2 bits, where the rounding is at 0 and at +-1/2
_WINDOW = {"kernel": 3, "stride": 1, "padding": 0}
_JOIN_GAIN = 0.75  # BatchNorm gain that fills the signed range of an add's operands


def scaled(count: int, width: float) -> int:
    """Return a channel count times a width, at least 1."""
    return max(1, round(count * width))


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Makes single layers as the settings say."""

    architecture: str
    bits: BitTable
    quantizers: Quantizers = field(default_factory=Quantizers)
    width: float = 1.0
    join: Join = Join.SUM
    pool: Pool = Pool.MAX
    convolutions: tuple[tuple[int, int], ...] = ()  # channels and stride of each
    cells: tuple[Cell, ...] = ()  # what each is

    def channels(self, count: int) -> int:
        """Return a channel count scaled by the width."""
        return scaled(count, self.width)

    def activation(self, name: str, *, fraction: float = 1.0) -> Any:  # noqa: ANN401
        """Return the activation behind a layer, over a fraction of the usual range."""
        bits, kind = self.bits.of(name).activation_bits, self.quantizers.activations
        return activation(bits, kind, fraction=fraction)

    def signed_activation(self, name: str) -> Any:  # noqa: ANN401
        """Return the quantizer of an add's operands."""
        return signed_activation(self.bits.of(name).activation_bits, self.quantizers.activations)

    def conv(self, name: str, source: Edge, outputs: int, kernel: int, **window: int) -> Any:  # noqa: ANN401
        """Return a convolution without bias.

        Raises:
            ModelError: it pads what has no zero.
        """
        if window.get("padding") and not source.has_zero:
            raise ModelError(
                f"{self.architecture}: activation_bits 1 has no zero for padding; use 2 or more "
                f"in front of {name}"
            )
        bits = self.bits.of(name).weight_bits
        options = weight_options(self.quantizers.weights, bits)
        layer = qnn.QuantConv2d(source.channels, outputs, kernel, bias=False, **window, **options)
        return self._initialised(layer, bits)

    def linear(self, name: str, source: Edge, outputs: int, *, last: bool = False) -> Any:  # noqa: ANN401
        """Return a linear layer without bias; the last one has one scale for all classes."""
        bits = self.bits.of(name).weight_bits
        options = weight_options(self.quantizers.weights, bits, channels=not last)
        return self._initialised(qnn.QuantLinear(source.features, outputs, False, **options), bits)

    def _initialised(self, layer: Any, bits: int) -> Any:  # noqa: ANN401
        """Draw the weights: normal ones that fill a fixed range, orthogonal ones elsewhere.

        Those of scales that follow the weights are drawn when all layers are there, by build.
        """
        if self.quantizers.weights is WeightQuantizer.FIXED:
            nn.init.normal_(layer.weight, std=_SPREAD if bits > 2 else _COARSE_SPREAD)
        elif self.quantizers.weights is not WeightQuantizer.LARGEST:
            nn.init.orthogonal_(layer.weight)
            layer.quant_weight()  # takes a learned scale from the weights
        return layer


class Chain:
    """A network's layers from the image on; `edge` is what the next one reads."""

    def __init__(self, parts: Parts, image: Edge) -> None:
        self.parts, self.edge = parts, image
        self._layers: OrderedDict[str, nn.Module] = OrderedDict()

    def module(self) -> nn.Sequential:
        """Return the layers so far."""
        return nn.Sequential(self._layers)

    def add(self, name: str, layer: nn.Module, edge: Edge) -> None:
        """Append any layer and say what the next one reads."""
        self._layers[name], self.edge = layer, edge

    def squeeze(self, bits: int) -> None:
        """Append the image's bit-depth squeezing."""
        layer = InputSqueeze(bits)
        edge = Edge(channels=self.edge.channels, size=self.edge.size, source=layer.quantizer)
        self.add("squeeze", layer, edge)

    def conv(
        self,
        name: str,
        outputs: int,
        *,
        kernel: int = 3,
        stride: int = 1,
        padding: int = 0,
        depthwise: bool = False,
        activation_range: float = 1.0,
    ) -> None:
        """Append a convolution block with `outputs` channels, before the width is applied.

        Its activation covers `activation_range` of the usual range.
        """
        groups = self.edge.channels if depthwise else 1
        channels = groups if depthwise else self.parts.channels(outputs)
        window = {"kernel": kernel, "stride": stride, "padding": padding, "groups": groups}
        quantizer = self.parts.activation(name, fraction=activation_range)
        self.add(name, *self._block(name, self.edge, channels, window, quantizer))

    def linear(self, name: str, outputs: int) -> None:
        """Append a linear block with `outputs` features, before the width is applied."""
        features = self.parts.channels(outputs)
        layer = self.parts.linear(name, self.edge, features)
        quantizer = self.parts.activation(name)
        block = QuantBlock(layer, nn.BatchNorm1d(features), quantizer, self.edge)
        self.add(name, block, Edge(channels=features, size=None, source=quantizer))

    def residual(self, name: str, outputs: int, stride: int) -> None:
        """Append a basic residual block of two 3x3 convolutions.

        Raises:
            ModelError: the operands of its add have different activation_bits.
        """
        source, channels = self.edge, self.parts.channels(outputs)
        body, side = f"{name}.second", f"{name}.shortcut"
        join = self.parts.signed_activation(body)
        window = {"kernel": 3, "stride": stride, "padding": 1}
        quantizer = self.parts.activation(f"{name}.first")
        first, edge = self._block(f"{name}.first", source, channels, window, quantizer)
        second, joined = self._block(body, edge, channels, window | {"stride": 1}, join)
        nn.init.constant_(second.norm.weight, _JOIN_GAIN)
        shortcut: nn.Module = join
        if stride != 1 or source.channels != channels:
            self._check_operands(body, side)
            projected, _ = self._block(
                side, source, channels, {"kernel": 1, "stride": stride}, join
            )
            nn.init.constant_(projected.norm.weight, _JOIN_GAIN)
            shortcut = projected
        convex = self.parts.join is Join.CONVEX  # no larger than its operands, where a sum is
        activated = self.parts.activation(body, fraction=0.5 if convex else 1.0)
        mix = ConvexSum() if convex else None
        block = Residual(
            first=first, second=second, shortcut=shortcut, join=join, activation=activated, mix=mix
        )
        self.add(name, block, Edge(channels=channels, size=joined.size, source=activated))

    def pool(self, name: str) -> None:
        """Append a 2x2 pool of the settings' kind."""
        edge, average = self.edge, self.parts.pool is Pool.AVERAGE
        divisor = edge.divisor * (4 if average else 1)
        size = edge.resized(2, 2, 0, name)
        self.add(
            name,
            nn.AvgPool2d(2) if average else nn.MaxPool2d(2),
            Edge(channels=edge.channels, size=size, source=edge.source, divisor=divisor),
        )

    def average(self, name: str) -> None:
        """Append the mean over the whole image."""
        edge = self.edge
        height, width = edge.resized(1, 1, 0, name)
        divisor = edge.divisor * height * width
        pooled = Edge(channels=edge.channels, size=(1, 1), source=edge.source, divisor=divisor)
        self.add(name, nn.AdaptiveAvgPool2d(1), pooled)

    def flatten(self) -> None:
        """Append the change of the image to a vector."""
        edge = self.edge
        vector = Edge(channels=edge.features, size=None, source=edge.source, divisor=edge.divisor)
        self.add("flatten", nn.Flatten(), vector)

    def _block(
        self,
        name: str,
        source: Edge,
        outputs: int,
        window: dict[str, int],
        quantizer: nn.Module,
    ) -> tuple[QuantBlock, Edge]:
        """Return a convolution block; the window is a kernel, stride, padding and groups."""
        kernel, stride, padding = (window.get(key, least) for key, least in _WINDOW.items())
        size = source.resized(kernel, stride, padding, name)
        layer = self.parts.conv(name, source, outputs, **window)
        block = QuantBlock(layer, nn.BatchNorm2d(outputs), quantizer, source)
        return block, Edge(channels=outputs, size=size, source=quantizer)

    def _check_operands(self, body: str, side: str) -> None:
        bits = [self.parts.bits.of(name).activation_bits for name in (body, side)]
        if bits[0] != bits[1]:
            raise ModelError(
                f"{self.parts.architecture}: {body} has activation_bits {bits[0]} and {side} "
                f"{bits[1]}, but their sum needs one quantizer; give both the same"
            )
