# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What attacks ask of a network: its twin's gradients, or many logits from the fastest engine."""

from contextlib import AbstractContextManager, nullcontext
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
from flow.integer.twin import Twin
from flow.threads import kernels_alone

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
        logits: Tensor = self.twin(images.to(self._device))
        return logits.to(images.device)

    @property
    def _device(self) -> torch.device:
        held = next(chain(self.twin.parameters(), self.twin.buffers()), None)
        return torch.device("cpu") if held is None else held.device

    def threads(self) -> AbstractContextManager[None]:
        """Return how a climb uses the cores: a twin on kernels of ours has them for itself."""
        twins = [one for one in self.twin.modules() if isinstance(one, Twin)]
        native = self._device.type == "cpu" and any(one.engine is not None for one in twins)
        return kernels_alone() if native else nullcontext()

    @cached_property
    def engine(self) -> Classifier:
        """The native engine of an integer network; another network answers itself."""
        network: Any = self.network
        return NativeNetwork(network) if isinstance(network, IntegerNetwork) else network

    @property
    def integers(self) -> IntegerNetwork | None:
        """The integer network, behind a goal or a device too; None where there is another."""
        found: Any = self.network
        while hasattr(found, "behind"):
            found = found.behind
        return found if isinstance(found, IntegerNetwork) else None

    def logits(self, images: Images, *, by_twin: bool) -> NDArray[Any]:
        """Return [N, K], the same numbers from either."""
        if not by_twin:
            return self.engine.logits(images)
        with torch.no_grad():
            found: NDArray[np.floating[Any]] = self.forward(
                torch.from_numpy(images).float()
            ).numpy()
        return found
