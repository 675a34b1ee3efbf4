# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Convex residual joins (Cisse et al., Parseval networks, 2017; Lin, Gan, Han, 2019)."""

from enum import StrEnum

import torch
from torch import Tensor, nn

__all__ = ["ConvexSum", "Join"]

_PARTS = 15  # odd: no sum of levels lies half-way between two levels of an equal or finer step


class Join(StrEnum):
    """How the two branches of a residual block meet."""

    SUM = "sum"
    CONVEX = "convex"


class ConvexSum(nn.Module):
    """alpha * body + (1 - alpha) * shortcut: non-expansive where both branches are.

    alpha is trained and rounded to fifteenths with a straight-through gradient. Operands that share
    a quantizer of step s give integers in units of s / 15: the sum is exact in every engine.

    Attributes:
        weight: the parameter behind alpha, a scalar that is clipped to 0..1; 1/2 at first.
    """

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(0.5))

    @property
    def parts(self) -> int:
        """How many of the sum's units are one of its operands'."""
        return _PARTS

    @property
    def alpha(self) -> float:
        """The body's share, a multiple of 1 / 15 in 0..1."""
        return float(self._parts().detach()) / _PARTS

    def forward(self, body: Tensor, shortcut: Tensor) -> Tensor:
        """Map two tensors float[N, ...] to one of the same shape."""
        parts = self._parts()
        return (body * parts + shortcut * (_PARTS - parts)) / _PARTS

    def _parts(self) -> Tensor:
        """Return 15 alpha, an integer with the gradient of the clipped parameter."""
        exact = self.weight.clamp(0.0, 1.0) * _PARTS
        return exact + (exact.round() - exact).detach()
