# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Gradients from queries, coordinate by coordinate, and Adam on them (Chen et al. 2017)."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flow.attacks._search import Indices, margins
from flow.classifier import Classifier, Images, Labels

__all__ = ["Adam", "Coordinates", "Floats", "slopes"]

Floats = NDArray[np.float32]
_DECAYS = (0.9, 0.999)  # beta_1 and beta_2, as in the paper
_LEAST = 1e-8


def slopes(
    engine: Classifier, images: Images, labels: Labels, chosen: Indices, half_width: int
) -> Floats:
    """Return float32[n, k]: symmetric differences of the margins (eq. 6), per uint8 unit.

    The width is that of the two images that are asked for: it is smaller at the ends of 0..255.

    Args:
        engine: 2 k n images are asked for.
        images: uint8[n, H, W, C], where.
        labels: int64[n].
        chosen: int[n, k], of the flattened pixels.
        half_width: h, at least 1.
    """
    count, k = chosen.shape
    at = np.repeat(images.reshape(count, 1, -1), 2 * k, axis=1)
    here = np.arange(count)[:, None], np.arange(k)[None], chosen
    values = at[here].astype(np.int64)
    ends = np.stack([(values + half_width).clip(max=255), (values - half_width).clip(min=0)])
    for side, end in enumerate(ends):
        at[here[0], here[1] + side * k, chosen] = end
    logits = engine.logits(at.reshape(-1, *images.shape[1:]))
    found = margins(logits, np.repeat(labels, 2 * k)).reshape(count, 2, k)
    change: Floats = ((found[:, 0] - found[:, 1]) / (ends[0] - ends[1])).astype(np.float32)
    return change


class Coordinates:
    """Which coordinates each image moves next: a random order of all, over and over."""

    def __init__(self, generators: list[np.random.Generator], size: int, at_once: int) -> None:
        """Draw from one generator an image; size coordinates, at_once of them in one step."""
        self.generators, self.size, self.at_once = generators, size, min(at_once, size)
        self.queue: Indices = np.zeros((len(generators), 0), np.intp)

    def next(self) -> Indices:
        """Return int[n, at_once]."""
        if self.queue.shape[1] < self.at_once:
            self.queue = np.stack([draw.permutation(self.size) for draw in self.generators])
        chosen, self.queue = np.split(self.queue, [self.at_once], axis=1)
        return chosen

    def keep(self, rows: NDArray[np.bool_]) -> None:
        """Forget the other images."""
        self.queue = self.queue[rows]
        self.generators = [g for g, kept in zip(self.generators, rows, strict=True) if kept]


class Adam:
    """ZOO-Adam (algorithm 2): moments and their count for each coordinate of each image."""

    def __init__(self, count: int, size: int, rate: float) -> None:
        """Start at zero; rate is eta."""
        self.rate = rate
        self.moments = [np.zeros((count, size), np.float32) for _ in _DECAYS]
        self.visits = np.zeros((count, size), np.float32)

    def step(self, gradient: Floats, chosen: Indices) -> Floats:
        """Return float32[n, k]: what to add to the chosen coordinates."""
        self._update(self.visits, chosen, lambda visits: visits + 1)
        visits, means = np.take_along_axis(self.visits, chosen, 1), []
        for moment, decay, power in zip(self.moments, _DECAYS, (1, 2), strict=True):
            new = (1 - decay) * gradient**power
            self._update(moment, chosen, lambda old, d=decay, new=new: d * old + new)
            means.append(np.take_along_axis(moment, chosen, 1) / (1 - decay**visits))
        change = -self.rate * means[0] / (np.sqrt(means[1]) + _LEAST)
        return change.astype(np.float32)

    def keep(self, rows: NDArray[np.bool_]) -> None:
        """Forget the other images."""
        self.moments = [moment[rows] for moment in self.moments]
        self.visits = self.visits[rows]

    @staticmethod
    def _update(array: Floats, chosen: Indices, change: Callable[..., Any]) -> None:
        np.put_along_axis(array, chosen, change(np.take_along_axis(array, chosen, 1)), 1)
