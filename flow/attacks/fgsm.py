# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""FGSM: one full step along the sign of the gradient (Goodfellow, Shlens, Szegedy 2015)."""

from typing import ClassVar

from flow.attacks.projected_gradient import ProjectedGradient

__all__ = ["Fgsm"]


class Fgsm(ProjectedGradient):
    """Projected gradient ascent of one step of size epsilon from the image itself."""

    name: ClassVar[str] = "fgsm"

    def __init__(self) -> None:
        super().__init__(steps=1, restarts=1, relative_step=1.0, random_start=False)
