# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The proofs of a run."""

from typing import Annotated

from pydantic import Field

from flow.config.section import Distinct, Epsilon, Positive, Section

__all__ = ["CertifyConfig"]

_Count = Annotated[int, Field(ge=0)]


class CertifyConfig(Section):
    """Proofs of robustness of the network that becomes hardware, in linf balls."""

    # the attack's when absent, images and radii both: then the three curves are comparable
    epsilons_255: Annotated[tuple[Epsilon, ...], Distinct] | None = None
    images: Positive | None = None
    flips: _Count = 200  # images tried in search of a misclassified one
    nodes: _Count = 2000  # boxes that the complete search may bound for an image; 0: no search
    budget_s: Annotated[float, Field(gt=0)] | None = None  # of a radius; then no image is begun
    processes: Positive = 1  # at the same time; the answers do not depend on it
