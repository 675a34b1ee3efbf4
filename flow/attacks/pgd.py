# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""PGD: many small steps from several random starts (Madry et al. 2018)."""

from typing import ClassVar

from flow.attacks.projected_gradient import ProjectedGradient

__all__ = ["Pgd"]


class Pgd(ProjectedGradient):
    """Projected gradient ascent with random starts; see the base for every setting."""

    name: ClassVar[str] = "pgd"
