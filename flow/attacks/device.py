# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A network whose gradients are computed on another device."""

import torch
from torch import nn

from flow.classifier import Differentiable, Images, Logits
from flow.errors import FlowError

__all__ = ["OnDevice"]


class OnDevice:
    """A Differentiable whose twin lies on a device; give it to evaluations as the surrogate.

    A GPU's float32 sums need not be exact, so that an attack may misjudge a candidate there. The
    evaluation asks the victim in any case.
    """

    def __init__(self, network: Differentiable, device: str) -> None:
        """Keep the network; device as torch names it.

        Raises:
            FlowError: this machine's torch has no CUDA and the device is one.
        """
        if device.startswith("cuda") and not torch.cuda.is_available():
            raise FlowError(
                f"attack.device: {device} is not available to torch {torch.__version__}; use cpu"
            )
        self.behind, self.device = network, device
        self.input_shape, self.classes = network.input_shape, network.classes
        self.scale = network.scale

    def logits(self, images: Images) -> Logits:
        """Return the network's own."""
        return self.behind.logits(images)

    def twin(self) -> nn.Module:
        """Return the network's twin, on the device."""
        return self.behind.twin().to(self.device)
