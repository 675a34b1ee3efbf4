# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Uniform noise of an attack's size: what every real attack must beat by far."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from flow.attacks._search import Search
from flow.attacks._victim import Victim
from flow.attacks.base import Attack

__all__ = ["Noise"]


@dataclass(frozen=True, kw_only=True)
class Noise(Attack):
    """Integers drawn uniformly from -epsilon..epsilon, clipped to 0..255; one draw a restart."""

    name: ClassVar[str] = "noise"
    white_box: ClassVar[bool] = False
    steps: int = 1
    restarts: int = 1

    def _search(self, victim: Victim, search: Search) -> Iterator[float]:
        size, shape = search.epsilon, search.clean.shape[1:]
        for restart in range(self.restarts):
            rows = search.active()
            if len(rows):
                draws = [
                    search.generator(restart, row).integers(-size, size, shape, endpoint=True)
                    for row in rows
                ]
                noisy = np.clip(search.clean[rows] + np.stack(draws), 0, 255).astype(np.uint8)
                search.offer(noisy, victim.engine.logits(noisy), rows)
            yield (restart + 1) / self.restarts
