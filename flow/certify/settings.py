# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What a certification may spend."""

from dataclasses import dataclass

from flow.errors import FlowError

__all__ = ["CertifySettings"]


@dataclass(frozen=True, kw_only=True)
class CertifySettings:
    """Of each image; equal settings give equal answers, but for `budget_s`.

    Attributes:
        epsilon_255: radius of the linf ball in uint8 units.
        slope_bits: precision of the steepest slope of linear bounds; 0 leaves them out.
        flips: images that the search for a misclassified one may evaluate.
        nodes: boxes that the complete search may bound; 0 leaves it out.
        lookahead: pixels whose split it tries at each box; more of them cost more than they save.
        tree_room: entries of a search tree that are kept for the checker.
    """

    epsilon_255: int
    slope_bits: int = 6
    flips: int = 1000
    nodes: int = 1_000_000
    lookahead: int = 1
    tree_room: int = 1_000_000

    def __post_init__(self) -> None:
        _require("epsilon", self.epsilon_255, 0 <= self.epsilon_255 <= 255, "within 0..255")
        for key in ("slope_bits", "flips", "nodes", "tree_room"):
            _require(key, getattr(self, key), getattr(self, key) >= 0, "at least 0")
        _require("lookahead", self.lookahead, self.lookahead >= 1, "at least 1")


def _require(key: str, value: int, holds: bool, rule: str) -> None:
    if not holds:
        raise FlowError(f"certify: {key} {value} is not {rule}; change it")
