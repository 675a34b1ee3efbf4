# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""BatchNorm statistics taken anew, with the final weights."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm

__all__ = ["calibrate"]


def calibrate(
    network: nn.Module,
    passes: Iterable[Callable[[], object]],
    mean_over_devices: Callable[[Tensor], Tensor] = lambda tensor: tensor,
) -> None:
    """Set every BatchNorm's statistics to their plain means over the passes.

    Each pass is called without gradients and runs the network, which it finds in train mode. What
    it runs in eval mode, an attack, say, sees the statistics as they were before all passes.
    """
    norms = [
        one for one in network.modules() if isinstance(one, _BatchNorm) and one.track_running_stats
    ]
    kept = [(norm, norm.momentum) for norm in norms]
    collected = [_Collected(norm) for norm in norms]
    network.train()
    try:
        for norm in norms:
            norm.momentum = 0.0
        with torch.no_grad():
            for run in passes:
                run()
    finally:
        for norm, momentum in kept:
            norm.momentum = momentum
        for one in collected:
            one.close()
    for one in collected:
        one.store(mean_over_devices)


class _Collected:
    """One BatchNorm's means over the batches it sees in train mode."""

    def __init__(self, norm: _BatchNorm) -> None:
        assert norm.running_mean is not None
        assert norm.running_var is not None
        self._norm, self._batches = norm, 0
        self._mean, self._variance = norm.running_mean.clone(), norm.running_var.clone()
        self._hook = norm.register_forward_pre_hook(self._see)

    def _see(self, norm: nn.Module, inputs: Any) -> None:  # noqa: ANN401 - torch's own
        if not norm.training:
            return
        self._batches += 1
        values = getattr(inputs[0], "value", inputs[0])  # of a Brevitas tensor
        F.batch_norm(
            values.float(), self._mean, self._variance, training=True, momentum=1 / self._batches
        )

    def close(self) -> None:
        self._hook.remove()

    def store(self, mean_over_devices: Callable[[Tensor], Tensor]) -> None:
        assert self._norm.running_mean is not None
        assert self._norm.running_var is not None
        self._norm.running_mean.copy_(mean_over_devices(self._mean))
        self._norm.running_var.copy_(mean_over_devices(self._variance))
