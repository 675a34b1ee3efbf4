# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""BIM: small steps from the image itself (Kurakin, Goodfellow, Bengio 2017)."""

from typing import ClassVar

from flow.attacks.projected_gradient import ProjectedGradient

__all__ = ["Bim"]


class Bim(ProjectedGradient):
    """Projected gradient ascent without a random start.

    The paper takes steps of one grey level and min(epsilon + 4, 1.25 epsilon) of them; here the
    number is given and the step follows as in PGD.
    """

    name: ClassVar[str] = "bim"

    def __init__(self, *, steps: int) -> None:
        super().__init__(steps=steps, restarts=1, random_start=False)
