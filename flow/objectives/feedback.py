# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Feedback learning (Song, Wang and Li, ICMLA 2019, arXiv 1909.05443).

How far each class is from the decision boundary is measured in the input space, and classes that
are close get more of the generated training examples. The paper's exact proportions and steps
were not at hand; each choice of ours is named where it is made.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from flow.objectives._checks import require
from flow.objectives._crossing import crossing, moved_along
from flow.objectives.ascent import input_gradient
from flow.objectives.base import Batch, Logits, Model, Objective, Outcome, TrainingSet

__all__ = ["Feedback", "FeedbackSettings"]

_CLOSEST = 1.0  # uint8 units; no class counts as closer than that


@dataclass(frozen=True, kw_only=True)
class FeedbackSettings:
    """All of them our choice.

    Attributes:
        images_per_class: how many training images of each class are measured after an epoch.
        directions: random directions (signs) of each image, beside its own gradient's.
        reach: how far to look for the boundary, in epsilons.
        bisections: precision of a distance: reach / 8 / 2**bisections.
        sharpness: a class's share of generated examples is its distance ** -sharpness.
        random_share: of the generated examples that move in a random direction, the others
            along their gradient's signs.
    """

    images_per_class: int = 20
    directions: int = 4
    reach: float = 4.0
    bisections: int = 4
    sharpness: float = 1.0
    random_share: float = 0.5

    def __post_init__(self) -> None:
        for key, least in (("images_per_class", 1), ("directions", 0), ("bisections", 0)):
            value = getattr(self, key)
            require(key, value, value >= least, f"at least {least}")
        require("reach", self.reach, self.reach > 0, "above 0")
        require("sharpness", self.sharpness, self.sharpness >= 0, "at least 0")
        require("random_share", self.random_share, 0 <= self.random_share <= 1, "within 0..1")


class Feedback(Objective):
    """Mean CE of the minibatch and of as many examples generated from it, half each.

    Generated examples start from images of the minibatch, drawn (with replacement) by the weight
    of their class, and move by up to epsilon, uniformly. Until the first measurement all classes
    weigh the same.

    Attributes:
        distances: float[K], mean linf distance of each class from the boundary in uint8 units at
            the last measurement; empty before the first.
    """

    name: ClassVar[str] = "feedback"
    settings_type = FeedbackSettings
    settings: FeedbackSettings

    def __init__(self, settings: FeedbackSettings | None = None) -> None:
        super().__init__(settings)
        self.distances = torch.zeros(0)

    def weights(self, classes: int) -> Tensor:
        """Return each class's share float[K] of the generated examples of a balanced batch."""
        if not len(self.distances):
            return torch.full((classes,), 1 / classes)
        weights = self.distances.clamp(min=_CLOSEST) ** -self.settings.sharpness
        return weights / weights.sum()

    def loss(self, model: Model, batch: Batch) -> Outcome:
        """Return the mean of the two cross-entropies; `attacked` has the generated examples."""
        with model.attacked() as victim:
            examples, labels = self._generate(victim, batch)
        clean = F.cross_entropy(model(batch.images), batch.labels)
        logits = model(examples)
        return Outcome(
            loss=(clean + F.cross_entropy(logits, labels)) / 2,
            attacked=examples,
            right=(logits.argmax(1) == labels).sum(),
        )

    def chosen(self, labels: Tensor, generator: torch.Generator) -> Tensor:
        """Draw the positions int64[N] in a minibatch from which examples are generated."""
        classes = max(int(labels.max()) + 1, len(self.distances))
        weights = self.weights(classes)[labels.cpu()]
        picks = torch.multinomial(weights, len(labels), replacement=True, generator=generator)
        return picks.to(labels.device)

    def _generate(self, victim: Logits, batch: Batch) -> tuple[Tensor, Tensor]:
        picks = self.chosen(batch.labels, batch.generator)
        images, labels, count = batch.images[picks], batch.labels[picks], len(picks)
        drawn = torch.rand(2, count, generator=batch.generator).to(images.device)
        direction = torch.where(
            (drawn[0] < self.settings.random_share)[:, None, None, None],
            _random_signs(images, batch.generator),
            _gradient_signs(victim, images, labels),
        )
        return moved_along(images, direction, drawn[1] * batch.epsilon_255), labels

    def end_epoch(
        self, model: Model, data: TrainingSet, epsilon_255: float, generator: torch.Generator
    ) -> None:
        """Measure every class anew; without an attack there is nothing to measure."""
        if epsilon_255 == 0:
            return
        reach = self.settings.reach * epsilon_255
        rows = self._sample(data, generator)
        images, labels = data.images[rows].float().to(model.device), data.labels[rows]
        distances = self._distances(model, images, labels.to(model.device), reach, generator).cpu()
        self.distances = torch.full((data.classes,), reach)
        for label in labels.unique().tolist():
            self.distances[label] = distances[labels == label].mean()

    def _sample(self, data: TrainingSet, generator: torch.Generator) -> Tensor:
        """Draw the positions int64[M] of images_per_class images of each class that has them."""
        order = torch.randperm(len(data.labels), generator=generator)
        labels, count = data.labels[order], self.settings.images_per_class
        return torch.cat([order[labels == label][:count] for label in range(data.classes)])

    def _distances(
        self,
        model: Model,
        images: Tensor,
        labels: Tensor,
        reach: float,
        generator: torch.Generator,
    ) -> Tensor:
        """Return the least distance float[M] of the directions; the reach where none crosses."""
        random = [_random_signs(images, generator) for _ in range(self.settings.directions)]
        bisections = self.settings.bisections
        with model.attacked() as victim:
            directions = [_gradient_signs(victim, images, labels), *random]
            found = [
                crossing(victim, images, labels, one, reach=reach, bisections=bisections)[0]
                for one in directions
            ]
        return torch.stack(found).amin(dim=0)

    def state_dict(self) -> dict[str, Any]:
        """Return the distances."""
        return {"distances": self.distances}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on with those distances."""
        self.distances = state["distances"].clone()


def _random_signs(images: Tensor, generator: torch.Generator) -> Tensor:
    bits = torch.randint(0, 2, images.shape, generator=generator)
    return bits.to(images).mul_(2).sub_(1)


def _gradient_signs(victim: Logits, images: Tensor, labels: Tensor) -> Tensor:
    return input_gradient(
        lambda points: F.cross_entropy(victim(points), labels, reduction="sum"), images
    ).sign()
