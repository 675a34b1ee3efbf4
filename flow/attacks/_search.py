# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The book that every attack keeps: the worst uint8 image so far for each clean one."""

from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from flow.classifier import Images, Labels

__all__ = ["Indices", "Search", "margins"]

Indices = NDArray[np.intp]


class Search:
    """One batch under attack.

    An image is done once a candidate is misclassified; otherwise the candidate of the smallest
    margin over all restarts counts. Rows are positions in the batch.

    Attributes:
        clean: uint8[N, H, W, C].
        labels: int64[N].
        numbers: position of each image in the data, on which its random draws depend.
        epsilon: radius in uint8 units.
        best: uint8[N, H, W, C], the worst candidates so far.
        margins: float64[N], theirs; -inf for an image that is wrong before any attack.
    """

    def __init__(
        self, clean: Images, labels: Labels, numbers: Indices, epsilon: int, seed: int
    ) -> None:
        self.clean, self.labels, self.numbers = clean, labels, numbers
        self.epsilon, self.seed = epsilon, seed
        self.best = clean.copy()
        self.margins = np.full(len(clean), np.inf)

    def begin(self, logits: NDArray[Any]) -> None:
        """Strike off the images that are wrong without an attack."""
        self.margins[margins(logits, self.labels) < 0] = -np.inf

    def active(self) -> Indices:
        """Return the rows of images that no candidate has broken."""
        return np.flatnonzero(self.margins >= 0)

    def offer(self, candidates: Images, logits: NDArray[Any], rows: Indices) -> None:
        """Keep each row's candidate if its margin is smaller than any before."""
        found = margins(logits, self.labels[rows])
        worse = found < self.margins[rows]
        self.margins[rows[worse]] = found[worse]
        self.best[rows[worse]] = candidates[worse]

    def generator(self, restart: int, row: int) -> np.random.Generator:
        """Return the generator of one image's draws in one restart."""
        return np.random.default_rng((self.seed, restart, int(self.numbers[row])))

    def noise(self, restart: int, rows: Indices) -> Tensor:
        """Return float32[rows, H, W, C], uniform in -epsilon..epsilon."""
        shape, size = self.clean.shape[1:], self.epsilon
        draws = [self.generator(restart, row).uniform(-size, size, shape) for row in rows]
        return torch.from_numpy(np.stack(draws).astype(np.float32))

    @cached_property
    def pixels(self) -> Tensor:
        """The clean images in float32."""
        return torch.from_numpy(self.clean).float()

    @cached_property
    def low(self) -> Tensor:
        """The lower end of each pixel in the linf ball."""
        return (self.pixels - self.epsilon).clamp(min=0)

    @cached_property
    def high(self) -> Tensor:
        """The upper end of each pixel in the linf ball."""
        return (self.pixels + self.epsilon).clamp(max=255)

    def project(self, points: Tensor, rows: Indices) -> Tensor:
        """Return the nearest points of the linf ball and of 0..255."""
        return torch.clamp(points, self.low[rows], self.high[rows])


def margins(logits: NDArray[Any], labels: Labels) -> NDArray[np.float64]:
    """Return the label's logit minus the largest other; negative exactly if misclassified.

    Logits are integers and ties go to the lowest index, so rivals below the label get 1/2 more.
    """
    scores = logits.astype(np.float64)
    rows = np.arange(len(labels))
    rivals = scores + 0.5 * (np.arange(scores.shape[1]) < labels[:, None])
    rivals[rows, labels] = -np.inf
    found: NDArray[np.float64] = scores[rows, labels] - rivals.max(axis=1)
    return found
