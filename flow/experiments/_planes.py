# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The loss around images, over the plane of the gradient's sign and a random sign."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from flow.attacks.losses import RivalCrossEntropy, label_margins
from flow.classifier import Images, Labels
from flow.experiments.trained import Trained

__all__ = ["Plane", "loss_plane"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Plane:
    """The loss of the integer network on uint8 images around each clean one.

    Attributes:
        along: steps along the sign of the straight-through gradient, in uint8 units, rising.
        across: steps along a random sign, one for each image.
        loss: float64[along, across, images], the largest other logit minus the label's, as floats:
            above 0 the image is misclassified.
    """

    along: tuple[int, ...]
    across: tuple[int, ...]
    loss: Floats

    def at(self, along: int, across: int) -> Floats:
        """Return the losses of the images at one point, float64[images]."""
        found: Floats = self.loss[self.along.index(along), self.across.index(across)]
        return found


def loss_plane(
    trained: Trained,
    images: Images,
    labels: Labels,
    along: tuple[int, ...],
    across: tuple[int, ...],
    *,
    seed: int,
) -> Plane:
    """Measure the loss at every pair of steps, the images clipped to 0..255.

    Args:
        trained: its twin gives the gradients, its engine the loss.
        images: uint8[N, H, W, C], clean.
        labels: int64[N].
        along: steps of the gradient's sign.
        across: steps of the random sign.
        seed: of the random signs.
    """
    uphill = _uphill(trained, images, labels)
    aside = np.random.default_rng(seed).choice((-1, 1), images.shape)
    losses = [
        _losses(trained, images + a * uphill + b * aside, labels) for a in along for b in across
    ]
    grid = np.stack(losses).reshape(len(along), len(across), len(images))
    return Plane(along=along, across=across, loss=grid)


def _uphill(trained: Trained, images: Images, labels: Labels) -> NDArray[np.int64]:
    """Return the sign of the loss' gradient at the images, int64[N, H, W, C]."""
    points = torch.from_numpy(images).float().requires_grad_()
    temperature = torch.tensor([trained.integer.scale], dtype=torch.float64)
    loss = RivalCrossEntropy(temperature)
    rows = torch.arange(len(images))
    values = loss(trained.integer.twin()(points), torch.from_numpy(labels), rows)
    (gradient,) = torch.autograd.grad(values.sum(), points)
    found: NDArray[np.int64] = gradient.sign().to(torch.int64).numpy()
    return found


def _losses(trained: Trained, points: NDArray[np.int64], labels: Labels) -> Floats:
    logits = trained.engine.logits(points.clip(0, 255).astype(np.uint8))
    margins = label_margins(torch.from_numpy(logits).double(), torch.from_numpy(labels))
    found: Floats = -margins.numpy() * trained.integer.scale
    return found
