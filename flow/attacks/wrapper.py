# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What attacks around another attack share: its name, its ball and its budget are theirs."""

from collections.abc import Iterator
from dataclasses import dataclass

from flow.attacks._search import Search
from flow.attacks._victim import Victim
from flow.attacks.base import Attack

__all__ = ["Wrapper"]

_SAME = (
    *("name", "norm", "white_box", "by_gradient", "together", "batch"),
    *("steps", "restarts", "goal", "any_goal"),
)


@dataclass(frozen=True, kw_only=True)
class Wrapper(Attack):
    """Runs `attack`; a subclass says how."""

    attack: Attack

    def __post_init__(self) -> None:
        """Take over what is not said otherwise."""
        vars(self).update({k: getattr(self.attack, k) for k in _SAME if k not in vars(self)})

    def _search(self, victim: Victim, search: Search) -> Iterator[float]:
        """Search one batch as the attack does."""
        return self.attack._search(victim, search)
