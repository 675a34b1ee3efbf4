# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""ConvSmall: the small convolutional network of certified training (Wong and Kolter, ICML 2018)."""

from brevitas_models.architectures.architecture import MNIST, Architecture
from brevitas_models.architectures.chain import Chain

__all__ = ["CONV_SMALL"]

_LAYERS = ("conv1", "conv2", "fc1", "classifier")


def _append_conv_small(chain: Chain) -> None:
    """Append two 4x4 convolutions of stride 2 (16, 32 channels) and a layer of 100 features."""
    chain.conv("conv1", 16, kernel=4, stride=2, padding=1)
    chain.conv("conv2", 32, kernel=4, stride=2, padding=1)
    chain.flatten()
    chain.linear("fc1", 100)


CONV_SMALL = Architecture(
    name="conv_small", append=_append_conv_small, layers=lambda _: _LAYERS, input_shape=MNIST
)
