# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Networks whose interval bounds are looked at, and images for them."""

import torch
from torch import Tensor

from brevitas_models.bits import BitTable
from brevitas_models.settings import ArchitectureSettings

LENET = ArchitectureSettings(
    architecture="lenet5", bits=BitTable.uniform(4, 4), input_shape=(16, 16, 1), width=0.5
)
RESIDUAL = ArchitectureSettings(
    architecture="resnet8", bits=BitTable.uniform(4, 4), input_shape=(8, 8, 1), width=0.25
)


def images_of(settings: ArchitectureSettings) -> Tensor:
    """Return float[4, C, H, W] of whole pixels in 0..255."""
    assert settings.input_shape is not None
    height, width, channels = settings.input_shape
    draw = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, (4, channels, height, width), generator=draw).float()
