# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""How MNIST's certified networks are trained."""

from typing import Any

from flow.config import HeldOut, Recipe

__all__ = ["certified"]


def certified(
    objective: str,
    *,
    epochs: int,
    learning_rate: float,
    trained_255: int,
    measured_255: int,
    ramp: float = 0.4,
    **options: Any,  # noqa: ANN401 - of the objective
) -> Recipe:
    """Return a training on interval bounds: no statistics, no held-out choice.

    Its ball is a little larger than the one it is measured in, and grows for a share `ramp` of
    the epochs.
    """
    return Recipe(
        objective=objective,
        options=options,
        epochs=epochs,
        learning_rate=learning_rate,
        learning_rate_warmup=0.05,
        epsilon_255=trained_255,
        warmup_epochs=ramp * epochs,
        batch_size=250,
        held_out=HeldOut(epsilon_255=measured_255),
    )
