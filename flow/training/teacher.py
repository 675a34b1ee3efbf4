# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The float network that the quantized one learns from."""

import copy
from typing import Any

import torch
from torch import Tensor, nn

from flow.storage.network_state import capture, restore
from flow.training.float import quantization_off

__all__ = ["Teacher"]


class Teacher:
    """A copy of a network as it is now, in eval mode and without its quantizers.

    Args:
        network: maps float[N, C, H, W] in 0..1 to logits float[N, K]; stays as it is.
        state: weights to take in place of the network's, as state_dict returned them.
    """

    def __init__(self, network: nn.Module, state: Any = None) -> None:  # noqa: ANN401 - of a file
        with quantization_off(network):
            self._network = copy.deepcopy(network).eval()
        if state is not None:
            restore(self._network, state)

    def __call__(self, images: Tensor) -> Tensor:
        """Return the logits float[N, K] of images float[N, C, H, W] in 0..255, without a graph."""
        with torch.no_grad():
            logits: Tensor = self._network(images / 255)
        return logits

    def state_dict(self) -> dict[str, Any]:
        """Return the weights."""
        return capture(self._network)
