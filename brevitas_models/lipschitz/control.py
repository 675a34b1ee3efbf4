# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What keeps a network's layers from expanding distances, behind one interface."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["LipschitzControl"]


class LipschitzControl:
    """A term of the loss, a projection after each optimiser step, or both; itself it is neither."""

    def penalty(self, model: nn.Module) -> Tensor:
        """Return a scalar to add to the loss; 0 unless a control says else."""
        return torch.zeros((), device=next(model.parameters()).device)

    def project(self, model: nn.Module) -> None:
        """Change the weights in place, after a step of the optimiser; nothing by default."""

    def state_dict(self) -> dict[str, Any]:
        """Return what later projections depend on, as tensors and plain values."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what state_dict returned."""
