# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The attacks that training runs: sign-gradient ascent in the linf ball, in uint8 units.

They are not rounded and their budget is small; figures are measured by flow.attacks.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from flow.objectives._checks import require
from flow.objectives.base import Batch, Logits

__all__ = [
    "AttackSettings",
    "ascend",
    "ball",
    "cross_entropy_ascent",
    "gaussian_start",
    "input_gradient",
    "uniform_start",
]

Strength = float | Tensor  # of all images, or float[N, 1, 1, 1] of each


@dataclass(frozen=True, kw_only=True)
class AttackSettings:
    """Steps of an attack; one step is relative_step * epsilon.

    Raises:
        FlowError: naming the value that is out of range.
    """

    steps: int
    relative_step: float

    def __post_init__(self) -> None:
        require("steps", self.steps, self.steps >= 1, "at least 1")
        require("relative_step", self.relative_step, self.relative_step > 0, "above 0")


def ball(clean: Tensor, epsilon: Strength) -> tuple[Tensor, Tensor]:
    """Return the lowest and the highest image within `epsilon` of `clean` and in 0..255."""
    return (clean - epsilon).clamp_(min=0), (clean + epsilon).clamp_(max=255)


def uniform_start(clean: Tensor, epsilon: Strength, generator: torch.Generator) -> Tensor:
    """Return images uniform in the ball, cut to 0..255 (Madry et al. 2018)."""
    noise = torch.rand(clean.shape, generator=generator).mul_(2).sub_(1).to(clean.device)
    return torch.clamp(clean + epsilon * noise, *ball(clean, epsilon))


def gaussian_start(
    clean: Tensor, epsilon: Strength, generator: torch.Generator, deviation: float
) -> Tensor:
    """Return images with Gaussian noise, inside the ball: away from the KL's flat minimum."""
    noise = torch.randn(clean.shape, generator=generator).to(clean.device)
    return torch.clamp(clean + deviation * noise, *ball(clean, epsilon))


def input_gradient(loss: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    """Return the gradient of a scalar loss at `images`; no parameter's .grad is touched."""
    images = images.detach().requires_grad_()
    with torch.enable_grad():
        (gradient,) = torch.autograd.grad(loss(images), images)
    return gradient


def ascend(
    loss: Callable[[Tensor], Tensor],
    start: Tensor,
    clean: Tensor,
    epsilon: Strength,
    settings: AttackSettings,
) -> Tensor:
    """Climb the loss from `start` by signed steps, kept within `epsilon` of `clean` and 0..255."""
    low, high = ball(clean, epsilon)
    step, images = settings.relative_step * epsilon, start
    for _ in range(settings.steps):
        images = torch.clamp(images + step * input_gradient(loss, images).sign(), low, high)
    return images


def cross_entropy_ascent(
    victim: Logits, batch: Batch, settings: AttackSettings, *, start: Tensor
) -> Tensor:
    """Climb the cross-entropy of the batch's labels; see ascend."""

    def loss(images: Tensor) -> Tensor:
        return F.cross_entropy(victim(images), batch.labels, reduction="sum")

    return ascend(loss, start, batch.images, batch.epsilon_255, settings)
