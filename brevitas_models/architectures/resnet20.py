# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""ResNet-20 for CIFAR-10 (He et al., 2016), with projections where the shape changes."""

from brevitas_models.architectures.architecture import CIFAR10, Architecture
from brevitas_models.architectures.chain import Chain
from brevitas_models.architectures.residual import layer_names, residual_network

__all__ = ["RESNET20"]

_STEM = 16
_BLOCKS = ((16, 1), (16, 1), (16, 1), (32, 2), (32, 1), (32, 1), (64, 2), (64, 1), (64, 1))
_LAYERS = layer_names(_STEM, _BLOCKS)


def _append_resnet20(chain: Chain) -> None:
    """Append the stem and nine residual blocks, three each with 16, 32 and 64 channels."""
    residual_network(chain, _STEM, _BLOCKS)


RESNET20 = Architecture(
    name="resnet20", append=_append_resnet20, layers=lambda _: _LAYERS, input_shape=CIFAR10
)
