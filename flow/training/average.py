# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The exponential moving average of a network's weights."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from brevitas.proxy.quant_proxy import QuantProxyFromInjector
from torch import Tensor, nn

from flow.storage.network_state import tensors

__all__ = ["Average"]


class Average:
    """average <- d * average + (1 - d) * value after each step, d = min(decay, (1 + t) / (10 + t)).

    The rising d (t counts the steps) lets the average forget the first weights sooner. Weights,
    BatchNorm parameters and statistics are averaged; the quantizers' own tensors, which jump when
    Brevitas initialises them, and integers are not: theirs are the network's.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self._network, self._decay, self._steps = network, decay, 0
        quantizers = [
            f"{name}."
            for name, module in network.named_modules()
            if isinstance(module, QuantProxyFromInjector)
        ]
        self._live = {
            name: tensor
            for name, tensor in tensors(network).items()
            if tensor.is_floating_point() and not name.startswith(tuple(quantizers))
        }
        self._values = {name: tensor.detach().clone() for name, tensor in self._live.items()}

    def reset(self) -> None:
        """Start anew from the weights as they are."""
        self._steps = 0
        self._set(self._values, self._live)

    def tensors(self) -> list[Tensor]:
        """Return the averages themselves, for devices to agree on."""
        return [*self._values.values()]

    def update(self) -> None:
        """Take in the weights after a step."""
        decay = min(self._decay, (1 + self._steps) / (10 + self._steps))
        self._steps += 1
        with torch.no_grad():
            for name, value in self._values.items():
                value.lerp_(self._live[name], 1 - decay)

    def store(self) -> None:
        """Give the network the averaged weights for good."""
        self._set(self._live, self._values)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Give the network the averaged weights inside the block."""
        kept = {name: tensor.detach().clone() for name, tensor in self._live.items()}
        self._set(self._live, self._values)
        try:
            yield
        finally:
            self._set(self._live, kept)

    def state_dict(self) -> dict[str, Any]:
        """Return the averages and the number of steps."""
        return {"steps": self._steps, "values": self._values}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what state_dict returned."""
        self._steps = state["steps"]
        self._set(self._values, state["values"])

    @staticmethod
    def _set(targets: dict[str, Tensor], values: dict[str, Tensor]) -> None:
        with torch.no_grad():
            for name, target in targets.items():
                target.copy_(values[name])
