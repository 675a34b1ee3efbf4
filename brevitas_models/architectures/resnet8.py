# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""ResNet-8 of MLPerf Tiny (Banbury et al., 2021), with quantized residual adds."""

from brevitas_models.architectures.architecture import CIFAR10, Architecture
from brevitas_models.architectures.chain import Chain
from brevitas_models.architectures.residual import layer_names, residual_network

__all__ = ["RESNET8"]

_STEM = 16
_BLOCKS = ((16, 1), (32, 2), (64, 2))
_LAYERS = layer_names(_STEM, _BLOCKS)


def _append_resnet8(chain: Chain) -> None:
    """Append the stem and three residual blocks with 16, 32 and 64 channels."""
    residual_network(chain, _STEM, _BLOCKS)


RESNET8 = Architecture(
    name="resnet8", append=_append_resnet8, layers=lambda _: _LAYERS, input_shape=CIFAR10
)
