# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What a certification may spend."""

from dataclasses import dataclass

from flow.errors import FlowError

__all__ = ["NORMS", "CertifySettings"]

NORMS = ("linf", "l2", "l0")


@dataclass(frozen=True, kw_only=True)
class CertifySettings:
    """Of each image; equal settings give equal answers, but for `budget_s`.

    Attributes:
        epsilon_255: radius of the ball in uint8 units; in l0 the pixels that may change, to any
            value.
        norm: linf, l2 or l0; slopes and flips are for linf alone.
        slope_bits: precision of the steepest slope of linear bounds; 0 leaves them out.
        flips: images that the search for a misclassified one may evaluate.
        nodes: boxes that the complete search may bound; 0 leaves it out.
        lookahead: pixels whose split it tries at each box; more of them cost more than they save.
        tree_room: entries of a search tree that are kept for the checker.
    """

    epsilon_255: int
    norm: str = "linf"
    slope_bits: int = 6
    flips: int = 1000
    nodes: int = 1_000_000
    lookahead: int = 1
    tree_room: int = 1_000_000

    @property
    def ball(self) -> str:
        """The ball in words."""
        if self.norm == "l0":
            return f"l0 of {self.epsilon_255} pixels"
        return f"{self.norm} {self.epsilon_255}/255"

    def __post_init__(self) -> None:
        _require("epsilon", self.epsilon_255, 0 <= self.epsilon_255 <= 255, "within 0..255")
        _require("norm", self.norm, self.norm in NORMS, f"one of {', '.join(NORMS)}")
        for key in ("slope_bits", "flips", "nodes", "tree_room"):
            _require(key, getattr(self, key), getattr(self, key) >= 0, "at least 0")
        _require("lookahead", self.lookahead, self.lookahead >= 1, "at least 1")


def _require(key: str, value: object, holds: bool, rule: str) -> None:
    if not holds:
        raise FlowError(f"certify: {key} {value} is not {rule}; change it")
