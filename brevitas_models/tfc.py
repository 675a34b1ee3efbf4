# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""TFC: the small multilayer perceptron of BNN-PYNQ (Umuroglu et al., FINN, FPGA 2017)."""

import brevitas.nn as qnn
from brevitas.inject.enum import ScalingImplType
from brevitas.quant import Uint8ActPerTensorFloatMaxInit
from torch import Tensor, nn

from brevitas_models._blocks import (
    Precision,
    QuantClassifier,
    activation,
    activation_step,
    linear_block,
)

__all__ = ["build_tfc"]

_HIDDEN = (64, 64, 64)


class _FixedInput(Uint8ActPerTensorFloatMaxInit):
    scaling_impl_type = ScalingImplType.CONST


class _InputQuantizer(nn.Module):
    """The image in as few bits as the activations: its sign about 1/2, or levels below 1."""

    def __init__(self, bits: int) -> None:
        super().__init__()
        self.binary = bits == 1
        self.step = 1.0 if self.binary else 2.0**-bits
        self.quantizer = (
            activation(1)
            if self.binary
            else qnn.QuantIdentity(act_quant=_FixedInput, bit_width=bits, max_val=1.0 - self.step)
        )

    def forward(self, images: Tensor) -> Tensor:
        flat = images.flatten(1)
        found: Tensor = self.quantizer(2.0 * flat - 1.0 if self.binary else flat)
        return found


def build_tfc(precision: Precision) -> QuantClassifier:
    """Build 784-64-64-64-10 for 28x28 grey images, which it quantizes like its activations."""
    source = _InputQuantizer(precision.activation_bits)
    widths = (28 * 28, *_HIDDEN)
    steps = (source.step, None, None)
    blocks = [
        linear_block(inputs, outputs, precision, source_step=step)
        for inputs, outputs, step in zip(widths, _HIDDEN, steps, strict=False)
    ]
    return QuantClassifier(
        "tfc",
        precision,
        nn.Sequential(source, *blocks),
        input_shape=(28, 28, 1),
        feature_count=_HIDDEN[-1],
        feature_step=activation_step(precision.activation_bits),
    )
