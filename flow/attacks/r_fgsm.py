# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""R+FGSM: a random step of half the size before FGSM's (Tramer et al. 2018, eq. 7)."""

from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from flow.attacks._search import Indices, Search
from flow.attacks.projected_gradient import ProjectedGradient

__all__ = ["RandomFgsm"]

_SHARE = 0.5  # alpha / epsilon of the random step, as in the paper


class RandomFgsm(ProjectedGradient):
    """x' = x + alpha sign(normal), then (epsilon - alpha) along the sign of the gradient at x'."""

    name: ClassVar[str] = "r_fgsm"

    def __init__(self, *, restarts: int = 1) -> None:
        super().__init__(steps=1, restarts=restarts, relative_step=1 - _SHARE)

    def _start(self, search: Search, restart: int, rows: Indices) -> Tensor:
        shape = search.clean.shape[1:]
        signs = [np.sign(search.generator(restart, row).standard_normal(shape)) for row in rows]
        offsets = torch.from_numpy(np.stack(signs).astype(np.float32))
        return search.pixels[rows] + _SHARE * search.epsilon * offsets
