# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""MI-FGSM: iterative FGSM with momentum (Dong et al., CVPR 2018)."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from flow.attacks.projected_gradient import ProjectedGradient

__all__ = ["MiFgsm"]


@dataclass(frozen=True, kw_only=True)
class MiFgsm(ProjectedGradient):
    """BIM along a velocity: g <- decay * g + gradient / ||gradient||_1, steps of epsilon / steps.

    Made to transfer between networks, where the gradient of a single point says little.

    Attributes:
        decay: mu; the paper's 1. With 0 it is BIM with that step.
    """

    name: ClassVar[str] = "mi_fgsm"
    restarts: int = 1
    relative_step: float = 1.0
    random_start: bool = False
    decay: float = 1.0

    def _velocity(self, before: Tensor, gradient: Tensor) -> Tensor:
        size = gradient.abs().flatten(1).sum(1).clamp(min=torch.finfo(gradient.dtype).tiny)
        return self.decay * before + gradient / size[:, None, None, None]
