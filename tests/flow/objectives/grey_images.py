# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Images of one grey each, and a network whose boundary between them is known."""

import torch
from torch import Tensor, nn

from flow.objectives import TrainingSet


class Bright(nn.Module):
    """Class 1 where the mean of the image (0..1) is above 0.4 (level 102), else class 0."""

    def forward(self, images: Tensor) -> Tensor:
        margin = images.mean(dim=(1, 2, 3)) - 0.4
        return torch.stack([-margin, margin], dim=1)


def grey(*levels: float) -> Tensor:
    return torch.tensor(levels)[:, None, None, None].expand(-1, 1, 2, 2).clone()


def data_of(levels: list[int]) -> TrainingSet:
    labels = torch.tensor([int(level > 102) for level in levels])
    return TrainingSet(images=grey(*levels).to(torch.uint8), labels=labels, classes=2)
