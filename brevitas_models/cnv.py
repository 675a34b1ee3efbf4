# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""CNV: the VGG-like network of BNN-PYNQ (Umuroglu et al., FINN, FPGA 2017)."""

from torch import nn

from brevitas_models._blocks import (
    IMAGE_STEP,
    Precision,
    QuantClassifier,
    activation_step,
    conv_block,
    linear_block,
)

__all__ = ["build_cnv"]

_CHANNELS = (3, 64, 64, 128, 128, 256, 256)  # of the image and of each convolution
_POOL_AFTER = (2, 4)  # convolutions, counted from 1
_HIDDEN = 512


def build_cnv(precision: Precision) -> QuantClassifier:
    """Build six 3x3 convolutions without padding, two 2x2 max-pools and three linear layers."""
    layers: list[nn.Module] = []
    for index in range(1, len(_CHANNELS)):
        step = IMAGE_STEP if index == 1 else None
        block = conv_block(_CHANNELS[index - 1], _CHANNELS[index], precision, source_step=step)
        layers.append(block)
        if index in _POOL_AFTER:
            layers.append(nn.MaxPool2d(2))
    layers.append(nn.Flatten())
    layers.append(linear_block(_CHANNELS[-1], _HIDDEN, precision))
    layers.append(linear_block(_HIDDEN, _HIDDEN, precision))
    return QuantClassifier(
        "cnv",
        precision,
        nn.Sequential(*layers),
        input_shape=(32, 32, 3),
        feature_count=_HIDDEN,
        feature_step=activation_step(precision.activation_bits),
    )
