# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What an attack wants of an image: any other label, a given one, or the label's rank to fall.

Ties are the victim's own: the lowest index wins.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from flow.classifier import Labels
from flow.errors import FlowError

__all__ = ["GOALS", "Goal", "KeepTopK", "Targeted", "Untargeted", "build_goal"]


class Goal(ABC):
    """Of every image by its label; frozen, so that it may be a part of a digest."""

    @abstractmethod
    def check(self, classes: int) -> None:
        """Refuse a network that it makes no sense for.

        Raises:
            FlowError: naming the number of classes.
        """

    @abstractmethod
    def references(self, labels: Labels) -> Labels:
        """Return the class int64[N] that the two logits of each image depend on; -1: no goal."""

    @abstractmethod
    def sides(self, logits: Tensor, reference: int) -> Tensor:
        """Return [N, 2] of integer-valued logits [N, K]: held and reached, held where they tie."""

    def margins(self, logits: NDArray[Any], labels: Labels) -> NDArray[np.float64]:
        """Return [N]: held minus reached of logits [N, K]; negative exactly where it is reached."""
        found, references = np.zeros(len(labels)), self.references(labels)
        values = torch.from_numpy(np.asarray(logits, np.float64))
        for reference in np.unique(references[references >= 0]):
            rows = references == reference
            sides = self.sides(values[torch.from_numpy(rows)], int(reference)).numpy()
            found[rows] = sides[:, 0] - sides[:, 1]
        return found

    def holds(self, logits: NDArray[Any], labels: Labels) -> NDArray[np.bool_]:
        """Return bool[N]: whether the goal is not reached by logits [N, K] of these labels."""
        held: NDArray[np.bool_] = self.margins(logits, labels) >= 0
        return held


@dataclass(frozen=True, kw_only=True)
class KeepTopK(Goal):
    """Drive the label out of the k largest logits; equal ones rank by their index."""

    k: int = 1

    def __str__(self) -> str:
        """As it stands behind an attack's name."""
        return f" out of top {self.k}"

    def check(self, classes: int) -> None:
        """See Goal."""
        if not 1 <= self.k < classes:
            raise FlowError(
                f"attack.top_k {self.k} is not within 1..{classes - 1}, the network has {classes} "
                "classes; lower it"
            )

    def references(self, labels: Labels) -> Labels:
        """Return the labels."""
        return labels

    def sides(self, logits: Tensor, reference: int) -> Tensor:
        """Return the label's logit and the k-th largest other, which wins ties from below."""
        before = torch.arange(logits.shape[1]) < reference
        others = torch.arange(logits.shape[1]) != reference
        rivals = (logits + before.to(logits))[:, others]
        return torch.stack([logits[:, reference], rivals.topk(self.k, 1).values[:, -1]], 1)


class Untargeted(KeepTopK):
    """Any label but the image's own."""

    def __str__(self) -> str:
        """Nothing to say."""
        return ""


@dataclass(frozen=True, kw_only=True)
class Targeted(Goal):
    """The label `target`; images that have it are left alone, and hold."""

    target: int

    def __str__(self) -> str:
        """As it stands behind an attack's name."""
        return f" to {self.target}"

    def check(self, classes: int) -> None:
        """See Goal."""
        if not 0 <= self.target < classes:
            raise FlowError(
                f"attack.target {self.target} is not within 0..{classes - 1}, the network's "
                "classes; change it"
            )

    def references(self, labels: Labels) -> Labels:
        """Return the target, -1 where it is the label."""
        return np.where(labels == self.target, -1, self.target)

    def sides(self, logits: Tensor, reference: int) -> Tensor:
        """Return the largest other logit and the target's, which wins ties from below."""
        after = torch.arange(logits.shape[1]) > reference
        others = torch.arange(logits.shape[1]) != reference
        rivals = (logits - after.to(logits))[:, others]
        return torch.stack([rivals.amax(1), logits[:, reference]], 1)


GOALS = ("untargeted", "targeted", "keep_top_k")


def build_goal(name: str, *, target: int | None = None, top_k: int = 1) -> Goal:
    """Return the goal of that name, of GOALS.

    Raises:
        FlowError: there is no such goal, or a target is missing.
    """
    if name == "targeted":
        if target is None:
            raise FlowError("attack.goal targeted: there is no attack.target; give a class")
        return Targeted(target=target)
    if name not in GOALS:
        raise FlowError(f"attack.goal: {name!r} is unknown; use one of {', '.join(GOALS)}")
    return Untargeted() if name == "untargeted" else KeepTopK(k=top_k)
