# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""All that a network's further training depends on.

state_dict is not enough for that: Brevitas keeps how far it is with collecting statistics in plain
attributes, leaves a scale out until it is initialised, and makes quantizers anew on loading, which
parts an optimiser from the parameters it holds. Here values are copied in place.
"""

from typing import Any

import torch
from torch import Tensor, nn

from flow.errors import FlowError

__all__ = ["capture", "restore", "tensors"]

_COUNTERS = ("counter", "init_done")  # Brevitas' attributes beside its tensors


def tensors(network: nn.Module) -> dict[str, Tensor]:
    """Return every parameter and buffer by name, also those that state_dict leaves out."""
    return dict([*network.named_parameters(), *network.named_buffers()])


def capture(network: nn.Module) -> dict[str, Any]:
    """Return copies, on the CPU, of all tensors and counters."""
    copies = {name: one.detach().to("cpu", copy=True) for name, one in tensors(network).items()}
    return {"tensors": copies, "counters": _counters(network)}


def restore(network: nn.Module, state: dict[str, Any]) -> None:
    """Put back what capture returned, into the same tensors.

    Raises:
        FlowError: the state is another architecture's.
    """
    found, stored = tensors(network), state["tensors"]
    other = [name for name in found.keys() | stored.keys() if _differs(name, found, stored)]
    if other or _counters(network).keys() != state["counters"].keys():
        name = min(other, default="counters")
        raise FlowError(f"trainer: the state is another network's ({name} differs); delete it")
    with torch.no_grad():
        for name, tensor in found.items():
            tensor.copy_(stored[name])
    for name, module in network.named_modules():
        for key in _COUNTERS:
            if f"{name}.{key}" in state["counters"]:
                setattr(module, key, state["counters"][f"{name}.{key}"])


def _differs(name: str, found: dict[str, Tensor], stored: dict[str, Tensor]) -> bool:
    return name not in found or name not in stored or found[name].shape != stored[name].shape


def _counters(network: nn.Module) -> dict[str, int]:
    return {
        f"{name}.{key}": vars(module)[key]
        for name, module in network.named_modules()
        for key in _COUNTERS
        if key in vars(module)
    }
