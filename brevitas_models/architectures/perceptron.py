# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Multilayer perceptrons on grey images, which they quantize like their activations."""

import brevitas.nn as qnn
from brevitas.inject.enum import ScalingImplType
from brevitas.quant import Uint8ActPerTensorFloatMaxInit
from torch import Tensor, nn

from brevitas_models.architectures.chain import Chain
from brevitas_models.blocks import Edge
from brevitas_models.quantizers import activation

__all__ = ["perceptron"]


class _FixedInput(Uint8ActPerTensorFloatMaxInit):
    scaling_impl_type = ScalingImplType.CONST


class _InputQuantizer(nn.Module):
    """The image in as few bits as the activations: its sign about 1/2, or levels below 1."""

    def __init__(self, bits: int) -> None:
        super().__init__()
        self.binary = bits == 1
        self.quantizer = (
            activation(1)
            if self.binary
            else qnn.QuantIdentity(act_quant=_FixedInput, bit_width=bits, max_val=1.0 - 2.0**-bits)
        )

    def forward(self, images: Tensor) -> Tensor:
        flat = images.flatten(1)
        found: Tensor = self.quantizer(2.0 * flat - 1.0 if self.binary else flat)
        return found


def perceptron(chain: Chain, widths: tuple[int, ...]) -> None:
    """Append the image's quantizer, unless it is squeezed already, and the layers fc1, fc2, ..."""
    if chain.edge.source is None:
        source = _InputQuantizer(chain.parts.bits.default.activation_bits)
        edge = Edge(channels=chain.edge.features, size=None, source=source.quantizer)
        chain.add("quantizer", source, edge)
    else:
        chain.flatten()
    for number, width in enumerate(widths, start=1):
        chain.linear(f"fc{number}", width)
