# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""ResNet-8 of MLPerf Tiny (Banbury et al., 2021), with quantized residual adds."""

from torch import Tensor, nn

from brevitas_models._blocks import (
    IMAGE_STEP,
    Precision,
    QuantClassifier,
    activation,
    activation_step,
    conv_block,
    signed_activation,
)
from brevitas_models.errors import ModelError

__all__ = ["build_resnet8"]

_CHANNELS = (16, 32, 64)
_POOLED = 8  # height and width at the end
_JOIN_GAIN = 0.75  # BatchNorm gain that fills the signed range of the add's operands


class _Residual(nn.Module):
    """relu(body(x) + shortcut(x)); one quantizer gives both operands their grid."""

    def __init__(self, inputs: int, outputs: int, stride: int, precision: Precision) -> None:
        super().__init__()
        self.join = signed_activation(precision.activation_bits)
        self.first = conv_block(inputs, outputs, precision, stride=stride, padding=1)
        self.second = conv_block(outputs, outputs, precision, padding=1, quantizer=self.join)
        self.shortcut: nn.Module = self.join
        nn.init.constant_(self.second.norm.weight, _JOIN_GAIN)
        if stride != 1 or inputs != outputs:
            self.shortcut = conv_block(
                inputs, outputs, precision, kernel=1, stride=stride, quantizer=self.join
            )
            nn.init.constant_(self.shortcut.norm.weight, _JOIN_GAIN)
        self.activation = activation(precision.activation_bits)

    def forward(self, features: Tensor) -> Tensor:
        joined = self.second(self.first(features)) + self.shortcut(features)
        found: Tensor = self.activation(joined)
        return found


def build_resnet8(precision: Precision) -> QuantClassifier:
    """Build the stem, three residual blocks with 16, 32 and 64 channels, and the average pool.

    Raises:
        ModelError: for 1-bit activations, which have no zero for padding.
    """
    if precision.activation_bits == 1:
        raise ModelError("resnet8: activation_bits 1 has no zero for padding; use 2 or more")
    stem = conv_block(3, _CHANNELS[0], precision, padding=1, source_step=IMAGE_STEP)
    sources = (_CHANNELS[0], *_CHANNELS)
    blocks = [
        _Residual(inputs, outputs, 1 if index == 0 else 2, precision)
        for index, (inputs, outputs) in enumerate(zip(sources, _CHANNELS, strict=False))
    ]
    return QuantClassifier(
        "resnet8",
        precision,
        nn.Sequential(stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        input_shape=(32, 32, 3),
        feature_count=_CHANNELS[-1],
        feature_step=activation_step(precision.activation_bits) / _POOLED**2,
    )
