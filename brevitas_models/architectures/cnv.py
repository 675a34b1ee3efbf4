# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""CNV: the VGG-like network of BNN-PYNQ (Umuroglu et al., FINN, FPGA 2017)."""

from brevitas_models.architectures.architecture import CIFAR10, Architecture
from brevitas_models.architectures.chain import Chain

__all__ = ["CNV"]

_CHANNELS = (64, 64, 128, 128, 256, 256)
_POOL_AFTER = (2, 4)  # convolutions, counted from 1
_HIDDEN = 512
_LAYERS = (*(f"conv{number}" for number in range(1, 7)), "fc1", "fc2", "classifier")


def _append_cnv(chain: Chain) -> None:
    """Append six 3x3 convolutions without padding, two 2x2 pools and two linear layers."""
    for number, channels in enumerate(_CHANNELS, start=1):
        chain.conv(f"conv{number}", channels)
        if number in _POOL_AFTER:
            chain.pool(f"pool{_POOL_AFTER.index(number) + 1}")
    chain.flatten()
    chain.linear("fc1", _HIDDEN)
    chain.linear("fc2", _HIDDEN)


CNV = Architecture(name="cnv", append=_append_cnv, layers=lambda _: _LAYERS, input_shape=CIFAR10)
