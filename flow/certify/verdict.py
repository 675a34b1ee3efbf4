# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What is known of one image, and of all of them together."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from flow.classifier import Images

__all__ = ["Answer", "Bracket", "Slopes", "Tier", "Verdict", "bracket"]


class Answer(StrEnum):
    """Of the images of a ball: all have the label, one has another, or nobody knows."""

    ROBUST = "robust"
    ADVERSARIAL = "adversarial"
    UNKNOWN = "unknown"


class Tier(StrEnum):
    """What gave the answer; CLEAN is an image that is wrong as it is."""

    CLEAN = "clean"
    INTERVALS = "intervals"
    LINES = "lines"
    FLIP = "flip"
    TREE = "tree"
    NONE = "none"


@dataclass(frozen=True, kw_only=True, eq=False)
class Slopes:
    """Of the lines below and above the staircases of one operation, int32[U] each, over 2**bits."""

    below: NDArray[np.int32]
    above: NDArray[np.int32]
    bits: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Verdict:
    """Of one image.

    Attributes:
        index: of the image in the data.
        label: its class.
        nodes: boxes that were bounded.
        lacking: how far the bounds over the whole ball are from a proof, summed over the classes
            in units of the integer logits; 0 where they prove it.
        adversarial: uint8[H, W, C] in the ball and misclassified, where the answer says so.
        tree: int32[T, 2] in preorder, (image element, first value of the upper half) for a split
            and (-1, 0) for a box that intervals prove; None where there is none or no room.
        slopes: by name of the threshold operation, where linear bounds prove the ball.
    """

    index: int
    label: int
    answer: Answer
    tier: Tier
    nodes: int = 0
    lacking: int = 0
    adversarial: Images | None = None
    tree: NDArray[np.int32] | None = None
    slopes: Mapping[str, Slopes] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Bracket:
    """The robust accuracy from both sides: certified <= exact <= possible.

    Attributes:
        images: how many were decided or given up.
        robust: proven.
        adversarial: broken, those that are wrong without an attack among them.
        unknown: neither.
        tiers: how many answers each tier gave.
    """

    images: int
    robust: int
    adversarial: int
    unknown: int
    tiers: dict[Tier, int]

    @property
    def certified(self) -> float:
        """Share of the images that are proven robust."""
        return self.robust / self.images if self.images else 0.0

    @property
    def possible(self) -> float:
        """Share of the images that nothing has broken."""
        return (self.robust + self.unknown) / self.images if self.images else 0.0


def bracket(verdicts: Sequence[Verdict]) -> Bracket:
    """Count the answers."""
    answers = Counter(one.answer for one in verdicts)
    return Bracket(
        images=len(verdicts),
        robust=answers[Answer.ROBUST],
        adversarial=answers[Answer.ADVERSARIAL],
        unknown=answers[Answer.UNKNOWN],
        tiers=dict(Counter(one.tier for one in verdicts)),
    )
