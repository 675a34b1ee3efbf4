# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A small quantized convolutional network: convolutions with BatchNorm and ReLU, one linear."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import brevitas.nn as qnn
import torch
from brevitas.inject.enum import ScalingImplType
from brevitas.quant import (
    Int8WeightPerChannelFloat,
    Int8WeightPerTensorFloat,
    Uint8ActPerTensorFloatMaxInit,
)
from torch import Tensor, nn

from brevitas_models.bits import BitTable, Precision
from brevitas_models.errors import ModelError

__all__ = ["ACTIVATION_RANGE", "ConvBlock", "NetworkSettings", "QuantConvNet", "build_network"]

ACTIVATION_RANGE = 4.0  # b-bit activations are the multiples of 4 / 2**b below 4
_KERNEL = 3


@dataclass(frozen=True, kw_only=True)
class NetworkSettings:
    """The architecture; `input_shape` is (H, W, C), one channel count and stride a convolution.

    `layers` gives single layers, conv0, conv1, ... and classifier, other bits than the rest.
    """

    input_shape: tuple[int, int, int]
    classes: int
    channels: tuple[int, ...]
    strides: tuple[int, ...]
    weight_bits: int = 4
    activation_bits: int = 4
    layers: Mapping[str, Precision] = field(default_factory=dict)

    def __post_init__(self) -> None:
        bits = {name: _precision(value) for name, value in self.layers.items()}
        object.__setattr__(self, "layers", bits)
        if len(self.channels) != len(self.strides) or not self.channels:
            raise ModelError(
                f"network: {len(self.channels)} channels and {len(self.strides)} strides; "
                "give one of each for every convolution"
            )
        for owner in (self, *bits.values()):
            for name in ("weight_bits", "activation_bits"):
                if not 2 <= (found := getattr(owner, name)) <= 8:
                    raise ModelError(f"network: {name} {found} is not in 2..8; change it")
        self.bits.check("network", self.layer_names)

    @property
    def layer_names(self) -> tuple[str, ...]:
        """The names of the weighted layers, from input to output."""
        return (*(f"conv{index}" for index in range(len(self.channels))), "classifier")

    @property
    def bits(self) -> BitTable:
        """The precision of every layer."""
        default = Precision(weight_bits=self.weight_bits, activation_bits=self.activation_bits)
        return BitTable(default=default, layers=self.layers)

    @property
    def feature_size(self) -> tuple[int, int]:
        """The height and width after the last convolution (3x3, padding 1)."""
        height, width, _ = self.input_shape
        for stride in self.strides:
            height, width = (height - 1) // stride + 1, (width - 1) // stride + 1
        return height, width


def _precision(value: Precision | Mapping[str, int]) -> Precision:
    """Return what dataclasses.asdict may have made a mapping of."""
    return value if isinstance(value, Precision) else Precision(**value)


class FixedRangeActivation(Uint8ActPerTensorFloatMaxInit):
    """Unsigned activations clipped to a fixed range, as Defensive Quantization asks.

    The step is a power of two, so that sums of products of activations are exact in float32 once
    the weights are on a power-of-two grid as well (see brevitas_models.exact).
    """

    scaling_impl_type = ScalingImplType.CONST
    min_val = 0.0


class ConvBlock(nn.Module):
    """3x3 convolution, padding 1, per-channel narrow weights; BatchNorm; quantized ReLU."""

    def __init__(self, inputs: int, outputs: int, stride: int, bits: Precision) -> None:
        super().__init__()
        levels = 2**bits.activation_bits
        self.conv = qnn.QuantConv2d(
            inputs,
            outputs,
            _KERNEL,
            stride=stride,
            padding=1,
            bias=False,
            weight_quant=Int8WeightPerChannelFloat,
            weight_bit_width=bits.weight_bits,
        )
        self.norm = nn.BatchNorm2d(outputs)
        self.activation = qnn.QuantReLU(
            act_quant=FixedRangeActivation,
            bit_width=bits.activation_bits,
            max_val=ACTIVATION_RANGE * (levels - 1) / levels,
        )

    @property
    def activation_step(self) -> float:
        """The distance between two activation levels, a power of two."""
        return float(self.activation.act_quant.scale())

    @property
    def activation_levels(self) -> int:
        """The largest activation in steps: 15 for 4 bits."""
        return int(2 ** int(self.activation.act_quant.bit_width())) - 1

    def forward(self, features: Tensor) -> Tensor:
        """Map float[N, inputs, H, W] to activations float[N, outputs, H', W'] on their grid."""
        activations: Tensor = self.activation(self.norm(self.conv(features)))
        return activations


class QuantConvNet(nn.Module):
    """The network of `settings`; its input is not quantized: it is the uint8 image over 255."""

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__()
        self.settings = settings
        inputs = (settings.input_shape[2], *settings.channels[:-1])
        bits = [settings.bits.of(name) for name in settings.layer_names]
        layers = zip(inputs, settings.channels, settings.strides, bits[:-1], strict=True)
        self.blocks = nn.ModuleList(ConvBlock(*layer) for layer in layers)
        height, width = settings.feature_size
        self.classifier = qnn.QuantLinear(
            settings.channels[-1] * height * width,
            settings.classes,
            bias=False,
            weight_quant=Int8WeightPerTensorFloat,
            weight_bit_width=bits[-1].weight_bits,
        )
        for layer in self.weighted_layers():
            nn.init.orthogonal_(layer.weight)

    def conv_blocks(self) -> list[ConvBlock]:
        """Return the convolution blocks, typed, from input to output."""
        return [block for block in self.blocks if isinstance(block, ConvBlock)]

    def weighted_layers(self) -> list[Any]:
        """Return the Brevitas layers that hold weights, from input to output."""
        return [*(block.conv for block in self.conv_blocks()), self.classifier]

    def forward(self, images: Tensor) -> Tensor:
        """Map images float[N, C, H, W] in 0..1 to logits float[N, K], multiples of one scale."""
        features = images
        for block in self.blocks:
            features = block(features)
        logits: Tensor = self.classifier(features.flatten(1))
        return logits

    def activations(self, images: Tensor) -> list[tuple[str, Tensor]]:
        """Return (name, tensor) after each quantized activation, then the logits."""
        found, features = [], images
        for index, block in enumerate(self.blocks):
            features = block(features)
            found.append((f"conv{index}", features))
        return [*found, ("logits", self.classifier(features.flatten(1)))]


def build_network(settings: NetworkSettings, seed: int = 0) -> QuantConvNet:
    """Build the network with orthogonal weights drawn from `seed`; torch's own RNG is kept."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return QuantConvNet(settings)
