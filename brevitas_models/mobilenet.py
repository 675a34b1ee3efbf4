# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A small MobileNet (Howard et al., arXiv:1704.04861): depthwise-separable convolutions."""

from torch import nn

from brevitas_models._blocks import (
    IMAGE_STEP,
    Precision,
    QuantBlock,
    QuantClassifier,
    activation_step,
    conv_block,
)
from brevitas_models.errors import ModelError

__all__ = ["build_mobilenet"]

_STEM = 32
_PAIRS = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1))  # channels, stride of the depthwise
_POOLED = 8  # height and width at the end


def _separable(inputs: int, outputs: int, stride: int, precision: Precision) -> list[QuantBlock]:
    """A 3x3 depthwise and a 1x1 block."""
    return [
        conv_block(inputs, inputs, precision, stride=stride, padding=1, groups=inputs),
        conv_block(inputs, outputs, precision, kernel=1),
    ]


def build_mobilenet(precision: Precision) -> QuantClassifier:
    """Build a 3x3 stem of 32 channels, five depthwise-separable pairs and the average pool.

    Raises:
        ModelError: for 1-bit activations, which have no zero for padding.
    """
    if precision.activation_bits == 1:
        raise ModelError("mobilenet: activation_bits 1 has no zero for padding; use 2 or more")
    layers = [conv_block(3, _STEM, precision, padding=1, source_step=IMAGE_STEP)]
    inputs = _STEM
    for outputs, stride in _PAIRS:
        layers += _separable(inputs, outputs, stride, precision)
        inputs = outputs
    return QuantClassifier(
        "mobilenet",
        precision,
        nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        input_shape=(32, 32, 3),
        feature_count=inputs,
        feature_step=activation_step(precision.activation_bits) / _POOLED**2,
    )
