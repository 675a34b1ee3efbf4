# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What attacks ask of a network: its twin's gradients, or many logits from the fastest engine."""

from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from flow.classifier import Classifier, Differentiable, Images
from flow.integer import IntegerNetwork
from flow.integer.native import NativeNetwork

__all__ = ["Victim"]


class Victim:
    """A network under attack; twin and engine are made when first asked for."""

    def __init__(self, network: Differentiable) -> None:
        self.network, self.classes = network, network.classes

    @property
    def scale(self) -> float:
        """Float logits per integer logit; only a white box asks."""
        return self.network.scale

    @cached_property
    def twin(self) -> nn.Module:
        """The torch module that gradients come from."""
        return self.network.twin()

    def forward(self, images: Tensor) -> Tensor:
        """Return the twin's logits [n, K] on the images' device, with gradients."""
        held = next(chain(self.twin.parameters(), self.twin.buffers()), images)
        logits: Tensor = self.twin(images.to(held.device))
        return logits.to(images.device)

    @cached_property
    def engine(self) -> Classifier:
        """The native engine of an integer network; another network answers itself."""
        network: Any = self.network
        return NativeNetwork(network) if isinstance(network, IntegerNetwork) else network

    def logits(self, images: Images, *, by_twin: bool) -> NDArray[Any]:
        """Return [N, K], the same numbers from either."""
        if not by_twin:
            return self.engine.logits(images)
        with torch.no_grad():
            found: NDArray[np.floating[Any]] = self.forward(
                torch.from_numpy(images).float()
            ).numpy()
        return found
