# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What a training objective is.

Images are float32[N, C, H, W] in uint8 units 0..255, not rounded; epsilons and steps are in the
same units. Networks map images over 255 to logits; `Model` divides.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from flow.objectives._model import Logits, Model

__all__ = [
    "Batch",
    "Logits",
    "Model",
    "Objective",
    "Outcome",
    "TrainingSet",
    "cross_entropy_outcome",
]


@dataclass(frozen=True, kw_only=True)
class Batch:
    """One minibatch.

    Attributes:
        images: float32[N, C, H, W] in 0..255, clean.
        labels: int64[N] on the same device.
        epsilon_255: strength of the attack at this step, after its warm-up; 0 trains on `images`.
        generator: on the CPU, so that every device sees the same draws.
        ramp: the share of the training's full strength that epsilon_255 is.
        teacher: images to logits as `Model`, constants; None in the float epochs, and for
            objectives that have none.
    """

    images: Tensor
    labels: Tensor
    epsilon_255: float
    generator: torch.Generator
    ramp: float = 1.0
    teacher: Logits | None = None


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one minibatch gave.

    Attributes:
        loss: a scalar with gradients to the network's parameters.
        attacked: float32[M, C, H, W] in 0..255, detached: the attacked images trained on, the
            clean ones where the objective has no attack.
        right: a scalar: how many of `attacked` the network classified right in the loss's forward
            pass.
    """

    loss: Tensor
    attacked: Tensor
    right: Tensor


@dataclass(frozen=True, kw_only=True)
class TrainingSet:
    """All training images, on the CPU, for what an objective does between epochs.

    Attributes:
        images: uint8[N, C, H, W].
        labels: int64[N].
        classes: how many classes there are.
    """

    images: Tensor
    labels: Tensor
    classes: int


class Objective(ABC):
    """A way to train: what is attacked, how, and what is minimised.

    Attributes:
        name: the registry's key, as it stands in configurations and reports.
        settings_type: the frozen dataclass of its hyperparameters; defaults are the paper's.
        settings: the hyperparameters of this one.
        has_teacher: whether its quantized epochs learn from the network of the float ones.
    """

    name: ClassVar[str]
    settings_type: ClassVar[type[Any]]
    settings: Any
    has_teacher: ClassVar[bool] = False

    def __init__(self, settings: Any = None) -> None:  # noqa: ANN401 - a settings_type
        self.settings = self.settings_type() if settings is None else settings

    @abstractmethod
    def loss(self, model: Model, batch: Batch) -> Outcome:
        """Return the loss of a minibatch; parameters' .grad and the modules' modes stay as found.

        The attack sees the network in eval mode, whose BatchNorm statistics are those that will
        be deployed; the loss's own forward passes run in the mode the network is in.
        """

    def prepare(self, network: nn.Module) -> None:  # noqa: B027 - most have nothing to do
        """Change the network before its optimiser is built; undone by `finish`."""

    def finish(self, network: nn.Module) -> None:  # noqa: B027
        """Bring the trained network back to its architecture, without changing its function."""

    def end_epoch(  # noqa: B027
        self, model: Model, data: TrainingSet, epsilon_255: float, generator: torch.Generator
    ) -> None:
        """Learn from the network as it is after an epoch; the same on every device."""

    def state_dict(self) -> dict[str, Any]:
        """Return what end_epoch learned, as tensors and plain values."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:  # noqa: B027
        """Go on from what state_dict returned."""


def cross_entropy_outcome(model: Model, attacked: Tensor, labels: Tensor) -> Outcome:
    """Return the mean cross-entropy of the network on `attacked`."""
    logits = model(attacked)
    return Outcome(
        loss=F.cross_entropy(logits, labels),
        attacked=attacked,
        right=(logits.argmax(1) == labels).sum(),
    )
