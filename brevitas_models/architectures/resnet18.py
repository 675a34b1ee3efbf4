# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""ResNet-18 (He et al., 2016) for 32x32 images: a 3x3 stem without pool, quantized adds."""

from brevitas_models.architectures.architecture import CIFAR10, Architecture
from brevitas_models.architectures.chain import Chain
from brevitas_models.architectures.residual import layer_names, residual_network

__all__ = ["RESNET18"]

_STEM = 64
_BLOCKS = ((64, 1), (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1))
_LAYERS = layer_names(_STEM, _BLOCKS)


def _append_resnet18(chain: Chain) -> None:
    """Append the stem and eight residual blocks with 64 to 512 channels."""
    residual_network(chain, _STEM, _BLOCKS)


RESNET18 = Architecture(
    name="resnet18", append=_append_resnet18, layers=lambda _: _LAYERS, input_shape=CIFAR10
)
