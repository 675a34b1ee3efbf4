# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""VGG-small: BinaryConnect's VGG with one linear layer (Zhang et al., LQ-Nets, ECCV 2018)."""

from brevitas_models.architectures.architecture import CIFAR10, Architecture
from brevitas_models.architectures.chain import Chain

__all__ = ["VGG_SMALL"]

_CHANNELS = (128, 128, 256, 256, 512, 512)
_LAYERS = (*(f"conv{number}" for number in range(1, 7)), "classifier")


def _append_vgg_small(chain: Chain) -> None:
    """Append six padded 3x3 convolutions with a 2x2 pool after every second."""
    for number, channels in enumerate(_CHANNELS, start=1):
        chain.conv(f"conv{number}", channels, padding=1)
        if number % 2 == 0:
            chain.pool(f"pool{number // 2}")
    chain.flatten()


VGG_SMALL = Architecture(
    name="vgg_small", append=_append_vgg_small, layers=lambda _: _LAYERS, input_shape=CIFAR10
)
