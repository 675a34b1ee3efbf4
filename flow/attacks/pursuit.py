# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Any attack with a goal of its own.

The attack sees a network of two logits, "held" and "reached", whose argmax is 1 exactly where the
goal is reached: one that needs no more than logits and gradients takes every goal.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from flow.attacks._victim import Victim
from flow.attacks.base import Attack
from flow.attacks.goals import Goal, Untargeted
from flow.attacks.wrapper import Wrapper
from flow.classifier import Differentiable, Images, Labels, Logits
from flow.errors import FlowError
from flow.progress import Report

__all__ = ["Pursuit"]


@dataclass(frozen=True, kw_only=True)
class Pursuit(Wrapper):
    """An attack that pursues a goal; the images of one reference are attacked together.

    The goal stands behind its name.

    Attributes:
        attack: what searches.
        goal: what it wants.
    """

    attack: Attack
    goal: Goal  # type: ignore[misc]  # of the object, where other attacks have the class'

    def __post_init__(self) -> None:
        """Refuse a goal that the attack cannot pursue.

        Raises:
            FlowError: it looks at cells of the integer network, or compares more than two logits.
        """
        if not self.attack.any_goal and not isinstance(self.goal, Untargeted):
            raise FlowError(
                f"attack {self.attack.name}: it looks for misclassified images only; leave it out "
                "or set attack.goal to untargeted"
            )
        vars(self)["name"] = f"{self.attack.name}{self.goal}"
        super().__post_init__()

    def run(
        self,
        network: Differentiable,
        images: Images,
        labels: Labels,
        epsilon_255: int,
        seed: int,
        *,
        only: NDArray[np.bool_] | None = None,
        progress: Report | None = None,
    ) -> Images:
        """See Attack; images without a goal come back clean."""
        self.goal.check(network.classes)
        budget, best = (epsilon_255, seed), images.copy()
        if isinstance(self.goal, Untargeted):
            return self.attack.run(network, images, labels, *budget, only=only, progress=progress)
        references = self.goal.references(labels)
        wanted = references >= 0 if only is None else only & (references >= 0)
        for reference in np.unique(references[wanted]):
            chosen = wanted & (references == reference)
            view = _View(network, self.goal, int(reference))
            found = self.attack.run(view, images, 0 * labels, *budget, only=chosen)
            best[chosen] = found[chosen]
            if progress:
                progress(int((wanted & (references <= reference)).sum()), int(wanted.sum()))
        return best


class _View:
    """A Differentiable of two classes for images of one reference, `behind` it the network."""

    classes = 2

    def __init__(self, network: Differentiable, goal: Goal, reference: int) -> None:
        self.behind, self.goal, self.reference = network, goal, reference
        self.input_shape = network.input_shape

    @property
    def scale(self) -> float:
        return self.behind.scale

    @cached_property
    def _engine(self) -> Any:  # noqa: ANN401 - a Classifier
        return Victim(self.behind).engine

    def logits(self, images: Images) -> Logits:
        found = torch.from_numpy(np.asarray(self._engine.logits(images), np.int64))
        return self.goal.sides(found, self.reference).numpy().astype(np.int32)

    def twin(self) -> nn.Module:
        return _Sides(self.behind.twin(), self.goal, self.reference)


class _Sides(nn.Module):
    def __init__(self, twin: nn.Module, goal: Goal, reference: int) -> None:
        super().__init__()
        self.twin, self.goal, self.reference = twin, goal, reference

    def forward(self, images: Tensor) -> Tensor:
        return self.goal.sides(self.twin(images), self.reference)
