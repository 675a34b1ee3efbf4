# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A small network of 3x3 convolutions with padding, of the channels and strides that one gives."""

from collections.abc import Mapping

from brevitas_models.architectures.architecture import MNIST, Architecture
from brevitas_models.architectures.chain import Chain
from brevitas_models.bits import BitTable, Precision
from brevitas_models.quantizers import Quantizers, WeightQuantizer, activation_step
from brevitas_models.settings import ArchitectureSettings

__all__ = ["CONVNET", "convnet_settings"]

_RANGE = 4.0  # b-bit activations are the multiples of 4 / 2**b below 4


def _append_convnet(chain: Chain) -> None:
    """Append the convolutions."""
    for index, (channels, stride) in enumerate(chain.parts.convolutions):
        name = f"conv{index}"
        bits = chain.parts.bits.of(name).activation_bits
        share = _RANGE / (2**bits * activation_step(bits))
        chain.conv(name, channels, stride=stride, padding=1, activation_range=share)
    chain.flatten()


def _layers(settings: ArchitectureSettings) -> tuple[str, ...]:
    """Return conv0, conv1, ... and classifier."""
    return (*(f"conv{index}" for index in range(len(settings.convolutions))), "classifier")


def convnet_settings(
    *,
    input_shape: tuple[int, int, int],
    classes: int,
    channels: tuple[int, ...],
    strides: tuple[int, ...],
    weight_bits: int = 4,
    activation_bits: int = 4,
    layers: Mapping[str, Precision] | None = None,
) -> ArchitectureSettings:
    """Return the settings of a network whose weight scales follow the largest weights.

    Args:
        input_shape: (H, W, C) of an image.
        classes: how many there are.
        channels: of each convolution.
        strides: as many.
        weight_bits: of the layers that `layers` does not name.
        activation_bits: of these.
        layers: layer's name to its precision.
    """
    default = Precision(weight_bits=weight_bits, activation_bits=activation_bits)
    return ArchitectureSettings(
        architecture="convnet",
        bits=BitTable(default=default, layers=layers or {}),
        input_shape=input_shape,
        classes=classes,
        quantizers=Quantizers(weights=WeightQuantizer.LARGEST),
        convolutions=tuple(zip(channels, strides, strict=True)),
    )


CONVNET = Architecture(name="convnet", append=_append_convnet, layers=_layers, input_shape=MNIST)
