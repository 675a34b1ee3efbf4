# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""One integer network with other gradients: what an attacker has who does not know better."""

import copy

import torch
from torch import Tensor, nn

from flow.classifier import Images, Logits
from flow.experiments.trained import Trained
from flow.integer.twin_functions import Staircase

__all__ = ["AsTrained", "ExactGradients"]


class ExactGradients:
    """The twin with the staircases' true derivative, which is 0 almost everywhere."""

    def __init__(self, trained: Trained) -> None:
        self.network = trained.integer
        self.input_shape, self.classes = self.network.input_shape, self.network.classes
        self.scale = self.network.scale

    def logits(self, images: Images) -> Logits:
        """Return the network's own."""
        return self.network.logits(images)

    def twin(self) -> nn.Module:
        """Return the twin, its straight-through slopes set to 0."""
        twin = self.network.twin()
        for module in twin.modules():
            if isinstance(module, Staircase):
                module.pull.zero_()
        return twin


class AsTrained(ExactGradients):
    """The network that was trained, with the backward pass that its training used.

    Its float logits are offset + scale * integer logits, at the temperature that training left.
    """

    def __init__(self, trained: Trained) -> None:
        super().__init__(trained)
        self.trained = trained

    def twin(self) -> nn.Module:
        """Return the Brevitas network behind the twin's interface."""
        return _Trained(self.trained, self.scale)


class _Trained(nn.Module):
    """float[N, H, W, C] in uint8 units -> float[N, K] in units of the integer logits."""

    def __init__(self, trained: Trained, scale: float) -> None:
        super().__init__()
        self.network, self.scale = copy.deepcopy(trained.network), scale
        self.offset = trained.integer.offset
        self.requires_grad_(requires_grad=False)

    def forward(self, images: Tensor) -> Tensor:
        values = self.network(images.permute(0, 3, 1, 2) / 255)
        logits: Tensor = (torch.Tensor(values) - self.offset) / self.scale
        return logits
