# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A float network that learns a victim's labels, its images chosen as it learns."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from flow.classifier import Images, Labels

__all__ = ["Substitute", "train_substitute"]

_WIDTHS = (16, 32, 128)  # channels of two convolutions, units of the layer behind
_BATCH = 128
_RATE = 2e-3  # of Adam


class Substitute(nn.Sequential):
    """float[N, H, W, C] in uint8 units -> logits [N, K]; two convolutions, two linear layers."""

    def __init__(self, shape: tuple[int, int, int], classes: int, seed: int) -> None:
        """Draw the first weights from the seed."""
        height, width, channels = shape
        first, second, hidden = _WIDTHS
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            super().__init__(
                nn.Conv2d(channels, first, 3, stride=2, padding=1),
                nn.ReLU(),
                nn.Conv2d(first, second, 3, stride=2, padding=1),
                nn.ReLU(),
                nn.Flatten(),
                nn.Linear(second * -(-height // 4) * -(-width // 4), hidden),
                nn.ReLU(),
                nn.Linear(hidden, classes),
            )

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits."""
        logits: Tensor = super().forward(images.permute(0, 3, 1, 2) / 255)
        return logits


def train_substitute(
    ask: Callable[[Images], Labels],
    images: Images,
    classes: int,
    *,
    queries: int,
    epochs: int,
    step_255: float,
    seed: int,
) -> Substitute:
    """Train on the victim's labels, and double the images after each round (Papernot et al. 2017).

    Jacobian-based augmentation (algorithm 1): x + step * sign(gradient at x of the logit of the
    victim's label), the step's sign alternating over the rounds as in the authors' later work
    (2016, section 4.1). Where the queries end, a random choice of the images is augmented, and
    there is one more training.

    Args:
        ask: the victim, uint8[N, H, W, C] -> its labels int64[N]; the only use made of it.
        images: uint8[N, H, W, C], at least one, the first to ask for.
        classes: K.
        queries: images that may be asked for, the first ones included.
        epochs: of each round's training; its weights go on from the round before.
        step_255: lambda in uint8 units.
        seed: of the weights and of the order.
    """
    draw, shape = np.random.default_rng(seed), images.shape[1:]
    network = Substitute((shape[0], shape[1], shape[2]), classes, seed)
    images = images[draw.permutation(len(images))[:queries]]
    labels, sign = ask(images), 1
    while True:
        _fit(network, images, labels, epochs, draw)
        chosen = draw.permutation(len(images))[: queries - len(images)]
        if not len(chosen):
            return network
        new = _augmented(network, images[chosen], labels[chosen], sign * step_255)
        images, labels, sign = (
            np.concatenate([images, new]),
            np.concatenate([labels, ask(new)]),
            -sign,
        )


def _fit(
    network: Substitute, images: Images, labels: Labels, epochs: int, draw: np.random.Generator
) -> None:
    adam = torch.optim.Adam(network.parameters(), lr=_RATE)
    for _ in range(epochs):
        for start in range(0, len(order := draw.permutation(len(images))), _BATCH):
            batch = order[start : start + _BATCH]
            logits = network(torch.from_numpy(images[batch]).float())
            loss = functional.cross_entropy(logits, torch.from_numpy(labels[batch]))
            adam.zero_grad()
            loss.backward()
            adam.step()


def _augmented(network: Substitute, images: Images, labels: Labels, step: float) -> Images:
    points = torch.from_numpy(images).float().requires_grad_()
    logits = network(points).gather(1, torch.from_numpy(labels)[:, None])
    (gradient,) = torch.autograd.grad(logits.sum(), points)
    moved = points.detach() + step * gradient.sign()
    found: Images = moved.clamp(0, 255).round().to(torch.uint8).numpy()
    return found
