# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What is told about a trained network."""

from dataclasses import dataclass, replace
from typing import Any

__all__ = ["AttackFigure", "ModelCard", "RobustFigures"]


@dataclass(frozen=True, kw_only=True)
class AttackFigure:
    """What one attack and all before it in the list left: a share of the images."""

    attack: str
    steps: int  # gradients, or queries of a black box, of one restart
    restarts: int
    accuracy: float


@dataclass(frozen=True, kw_only=True)
class RobustFigures:
    """Robust accuracy of the integer network that runs on the board, the worst case per image."""

    norm: str
    epsilon_255: int
    seed: int  # of the attacks
    images: int  # the first ones of the test set
    attacks: tuple[AttackFigure, ...]  # each only on what those before it left
    accuracy: float  # 0..1, under all of them
    ci95: tuple[float, float]  # Wilson interval


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """Where a trained network comes from and what it does."""

    name: str
    data: str
    command: str
    seed: int
    initial: str | None  # the trained network whose weights it started from
    epochs: int
    training_images: int
    training_s: float  # on the machine that `trained_on` describes
    trained_on: str
    test_images: int
    accuracy: float  # 0..1, on the whole test set
    weight_bits: int
    activation_bits: int
    parameters: int  # weights and two numbers for each channel of a BatchNorm
    licence: str
    objective: str = "standard"  # of flow.objectives
    robust: RobustFigures | None = None  # where it was measured

    @classmethod
    def from_mapping(cls, content: Any) -> "ModelCard":  # noqa: ANN401 - whatever a file holds
        """Return the card that dataclasses.asdict made a mapping of, as YAML has it.

        Raises:
            KeyError, TypeError, ValueError: it has other keys or values than a card.
        """
        found = cls(**content)
        if found.robust is None:
            return found
        stored: dict[str, Any] = dict(content["robust"])
        attacks = tuple(AttackFigure(**figure) for figure in stored["attacks"])
        low, high = stored["ci95"]
        figures = RobustFigures(**stored | {"attacks": attacks, "ci95": (low, high)})
        return replace(found, robust=figures)
