# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Attacks by the names that configurations and reports use."""

from collections.abc import Callable

from flow.attacks.base import Attack
from flow.attacks.fgsm import Fgsm
from flow.attacks.pgd import Pgd
from flow.errors import FlowError

__all__ = ["ATTACKS", "build_attack"]

# name -> (steps, restarts) -> attack; FGSM has one step and one start by definition
ATTACKS: dict[str, Callable[[int, int], Attack]] = {
    "fgsm": lambda _steps, _restarts: Fgsm(),
    "pgd": lambda steps, restarts: Pgd(steps=steps, restarts=restarts),
}


def build_attack(name: str, *, steps: int, restarts: int) -> Attack:
    """Return the attack of that name with its budget.

    Raises:
        FlowError: the name is not registered; the message lists those that are.
    """
    if name not in ATTACKS:
        raise FlowError(f"attack: {name!r} is unknown; choose one of {', '.join(ATTACKS)}")
    return ATTACKS[name](steps, restarts)
