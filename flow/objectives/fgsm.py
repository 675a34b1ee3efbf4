# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Fast adversarial training (Wong, Rice and Kolter, ICLR 2020): one step from a random start."""

from dataclasses import dataclass
from typing import ClassVar

from flow.objectives.pgd import Pgd, PgdSettings

__all__ = ["Fgsm", "FgsmSettings"]


@dataclass(frozen=True, kw_only=True)
class FgsmSettings(PgdSettings):
    """The paper's step of 1.25 epsilon (10/255 at 8/255) from a start uniform in the ball.

    Without the random start and with a relative step of 1 it is the FGSM training of Goodfellow
    et al. (2015).
    """

    steps: int = 1
    relative_step: float = 1.25
    random_start: bool = True


class Fgsm(Pgd):
    """PGD training with a single large step.

    The paper's code attacks the network in train mode, the text does not say; here as elsewhere
    the attack sees BatchNorm in eval mode. Watch the robust accuracy of a held-out slice: the
    method can fail suddenly ("catastrophic overfitting").
    """

    name: ClassVar[str] = "fgsm"
    settings_type: ClassVar[type[PgdSettings]] = FgsmSettings
