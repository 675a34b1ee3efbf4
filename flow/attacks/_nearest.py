# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The book of attacks that look for the nearest misclassified image in l2."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from flow.attacks._search import Indices, Search, margins
from flow.classifier import Images

__all__ = ["Bits", "Nearest"]

Bits = NDArray[np.bool_]


class Nearest:
    """The misclassified candidate of the least l2 distance for each active row.

    Attributes:
        rows: of the search, active when this began; entries here are positions among them.
        clean: float32[n, H, W, C].
        labels: int64[n].
        images: uint8[n, H, W, C], the nearest so far.
        distances: float64[n], theirs in uint8 units, inf where there is none.
    """

    def __init__(self, search: Search) -> None:
        self.search, self.rows = search, search.active()
        self.clean = search.pixels[self.rows]
        self.labels = torch.from_numpy(search.labels[self.rows])
        self.images: Images = search.clean[self.rows]
        self.distances = np.full(len(self.rows), np.inf)

    def offer(self, candidates: Tensor, logits: Tensor, entries: Indices | None = None) -> Bits:
        """Keep what is nearer than before; return which are misclassified.

        Args:
            candidates: float[m, H, W, C], on the uint8 grid.
            logits: [m, K], theirs.
            entries: which they belong to; all when absent.
        """
        entries = np.arange(len(self.rows)) if entries is None else entries
        wrong: Bits = margins(logits.detach().numpy(), self.labels.numpy()[entries]) < 0
        changes = (candidates.detach() - self.clean[torch.from_numpy(entries)]).double().flatten(1)
        found = changes.square().sum(1).sqrt().numpy()
        nearer = wrong & (found < self.distances[entries])
        self.distances[entries[nearer]] = found[nearer]
        self.images[entries[nearer]] = candidates.detach().to(torch.uint8).numpy()[nearer]
        return wrong

    def write(self) -> None:
        """Hand the candidates within epsilon to the search."""
        inside = self.distances <= self.search.epsilon
        self.search.best[self.rows[inside]] = self.images[inside]
