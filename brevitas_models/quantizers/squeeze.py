# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Bit-depth squeezing of the image as a layer of the network (Xu, Evans, Qi, NDSS 2018)."""

import brevitas.nn as qnn
from brevitas.inject.enum import ScalingImplType
from brevitas.quant import Uint8ActPerTensorFloatMaxInit
from torch import Tensor, nn

from brevitas_models.errors import ModelError

__all__ = ["InputSqueeze"]


class _FixedInput(Uint8ActPerTensorFloatMaxInit):
    scaling_impl_type = ScalingImplType.CONST


class InputSqueeze(nn.Module):
    """Map images in 0..1 to round(x * (2**bits - 1)) / (2**bits - 1), section II-B of the paper.

    No uint8 pixel over 255 is half-way between two levels. On the FPGA it is a threshold unit in
    front of the network; gradients pass straight through.

    Attributes:
        bits: 1 to 8, where 8 changes nothing.
        step: between two levels.
    """

    def __init__(self, bits: int) -> None:
        super().__init__()
        if not 1 <= bits <= 8:
            raise ModelError(f"network: input_bits {bits} is not in 1..8; change it")
        self.bits, self.step = bits, 1.0 / (2**bits - 1)
        width = max(bits, 2)  # Brevitas exports 1 bit as a sign; images never reach levels above 1
        largest = (2**width - 1) * self.step
        self.quantizer = qnn.QuantIdentity(act_quant=_FixedInput, bit_width=width, max_val=largest)

    def forward(self, images: Tensor) -> Tensor:
        """Map float[N, C, H, W] in 0..1 to the same shape on the coarser grid."""
        found: Tensor = self.quantizer(images)
        return found
