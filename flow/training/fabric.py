# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Devices, precision and optimiser, through Lightning Fabric."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from lightning_fabric import Fabric
from lightning_fabric.strategies.ddp import DDPStrategy
from torch import Tensor, nn

from flow.config import Machine, TrainerSettings
from flow.errors import FlowError
from flow.threads import one_thread

__all__ = ["average_buffers", "build_optimiser", "deterministic", "launch", "mean_over_devices"]


def launch(machine: Machine) -> Fabric:
    """Start Fabric on the machine; with several devices also the processes of the others.

    Buffers are not synchronised at each forward pass: objectives have several of them in a step,
    which that would break. See average_buffers.

    Raises:
        FlowError: there are too few devices.
    """
    if machine.accelerator == "cuda" and torch.cuda.device_count() < machine.devices:
        raise FlowError(
            f"trainer: devices {machine.devices} is more than the "
            f"{torch.cuda.device_count()} cuda devices here; ask for fewer, or for the cpu"
        )
    fabric = Fabric(
        accelerator=machine.accelerator,
        devices=machine.devices,
        precision=machine.precision,
        strategy=DDPStrategy(forward_sync_buffers=False) if machine.devices > 1 else "auto",
    )
    fabric.launch()
    return fabric


@contextmanager
def deterministic(machine: Machine) -> Iterator[None]:
    """Let the bits depend on the arguments and the kind of processor alone."""
    if machine.accelerator == "cpu":
        with one_thread():
            yield
        return
    with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True):
        yield


def build_optimiser(network: nn.Module, settings: TrainerSettings) -> torch.optim.Optimizer:
    """Return the optimiser; its learning rate is set at each step."""
    trained = [one for one in network.parameters() if one.requires_grad]
    groups: list[dict[str, Any]] = [
        {
            "params": [one for one in trained if one.ndim > 1],
            "weight_decay": settings.weight_decay,
        },
        {"params": [one for one in trained if one.ndim <= 1], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    if settings.optimiser == "sgd":
        return torch.optim.SGD(groups, lr=0.0, momentum=0.9, nesterov=True)
    return torch.optim.AdamW(groups, lr=0.0)


def mean_over_devices(fabric: Fabric, tensor: Tensor) -> Tensor:
    """Return the mean of a tensor over all devices; on one, the tensor."""
    if fabric.world_size == 1:
        return tensor
    found: Tensor = fabric.all_reduce(tensor.detach().clone(), reduce_op="mean")  # type: ignore[assignment]
    return found


def average_buffers(fabric: Fabric, buffers: Iterable[Tensor]) -> None:
    """Give every device the means of the floating ones, of BatchNorm's statistics above all."""
    if fabric.world_size == 1:
        return
    with torch.no_grad():
        for buffer in buffers:
            if buffer.is_floating_point():
                buffer.copy_(mean_over_devices(fabric, buffer))
