# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Which quantizers there are."""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["ActivationQuantizer", "Quantizers", "WeightQuantizer"]


class WeightQuantizer(StrEnum):
    """How weights become integers times a scale; each but TERNARY takes any number of bits.

    FIXED has a power-of-two scale that never moves: its weights end at 1. LEARNED has one scale a
    layer that is trained, LEARNED_CHANNEL one for each filter (the last layer keeps one for all).
    POWER_OF_TWO trains the logarithm of a power-of-two scale. LARGEST, of 2 bits and more, follows
    the largest weight of each filter (of the whole last layer); its exact form has powers of two.
    BINARY and TERNARY are -1, 1 and -1, 0, 1 times a trained scale that starts at the closed form
    of their papers.
    """

    FIXED = "fixed"
    LEARNED = "learned"
    LEARNED_CHANNEL = "learned_channel"
    POWER_OF_TWO = "power_of_two"
    LARGEST = "largest"
    BINARY = "binary"
    TERNARY = "ternary"


class ActivationQuantizer(StrEnum):
    """How activations become levels.

    FIXED, LEARNED and POWER_OF_TWO are clipped ReLUs with evenly spaced levels, whose step never
    moves, is trained, or is a power of two whose logarithm is trained. DQA_FIXED and DQA_LEARNED
    are brevitas_models.quantizers.dqa. One bit is the sign in any case.
    """

    FIXED = "fixed"
    LEARNED = "learned"
    POWER_OF_TWO = "power_of_two"
    DQA_FIXED = "dqa_fixed"
    DQA_LEARNED = "dqa_learned"


@dataclass(frozen=True, kw_only=True)
class Quantizers:
    """The quantizers of one network; by default every scale is a fixed power of two."""

    weights: WeightQuantizer = WeightQuantizer.FIXED
    activations: ActivationQuantizer = ActivationQuantizer.FIXED

    def __post_init__(self) -> None:
        """Accept the names as strings, as configurations have them."""
        object.__setattr__(self, "weights", WeightQuantizer(self.weights))
        object.__setattr__(self, "activations", ActivationQuantizer(self.activations))
