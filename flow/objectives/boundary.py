# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Boundary-based retraining of quantized networks (Song, Fallon and Li 2020, arXiv 2012.14965).

The network is trained on examples near its decision boundary, as it is after quantization. How
the paper finds and weighs them and what its nonlinear mapping is were not at hand beyond
shared/design/METHODS.md; each choice of ours is named where it is made.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from flow.objectives._checks import require
from flow.objectives._crossing import crossing, moved_along
from flow.objectives.ascent import AttackSettings, cross_entropy_ascent, uniform_start
from flow.objectives.base import Batch, Model, Objective, Outcome, TrainingSet
from flow.objectives.weight_mapping import map_weights, unmap_weights
from flow.progress import track

__all__ = ["Boundary", "BoundarySettings"]

_BATCH = 500  # images measured at a time: bounds the memory


@dataclass(frozen=True, kw_only=True)
class BoundarySettings(AttackSettings):
    """All of them our choice.

    Attributes:
        steps: of the PGD that finds a way to the boundary.
        relative_step: its steps in epsilons.
        scanned: how many training images are tried after each epoch.
        bisections: precision of the boundary on that way: 1 / 8 / 2**bisections of it.
        weight: of the boundary examples' loss beside the clean images' 1.
        mapping_mu: curvature of the nonlinear weight mapping; 0 trains without it.
    """

    steps: int = 10
    relative_step: float = 0.25
    scanned: int = 5000
    bisections: int = 3
    weight: float = 1.0
    mapping_mu: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require("scanned", self.scanned, self.scanned >= 1, "at least 1")
        require("bisections", self.bisections, self.bisections >= 0, "at least 0")
        require("weight", self.weight, self.weight >= 0, "at least 0")
        require("mapping_mu", self.mapping_mu, self.mapping_mu >= 0, "at least 0")


class Boundary(Objective):
    """(CE of the minibatch + weight * CE of as many boundary examples) / (1 + weight).

    After each epoch PGD starts from training images; where it succeeds, the line from the image
    to what PGD found is halved until the boundary is enclosed, and the point just beyond it,
    rounded to uint8 and with the image's label, is kept. Each is within epsilon of its image; an
    image that is wrong already is kept as it is.
    Before the first epoch's end, or where nothing lies that near, the clean images count alone.

    Attributes:
        examples: uint8[M, C, H, W], those of the last epoch.
        labels: int64[M], their labels.
        sources: int64[M], the positions of their images in the training set.
    """

    name: ClassVar[str] = "boundary"
    settings_type = BoundarySettings
    settings: BoundarySettings

    def __init__(self, settings: BoundarySettings | None = None) -> None:
        super().__init__(settings)
        self.examples = torch.zeros(0, dtype=torch.uint8)
        self.labels, self.sources = torch.zeros(2, 0, dtype=torch.int64)

    def prepare(self, network: nn.Module) -> None:
        """Put the nonlinear mapping before the weight quantizers."""
        if self.settings.mapping_mu > 0:
            map_weights(network, self.settings.mapping_mu)

    def finish(self, network: nn.Module) -> None:
        """Store the mapped weights as the layers' own."""
        unmap_weights(network)

    def loss(self, model: Model, batch: Batch) -> Outcome:
        """Return the weighted mean of both cross-entropies; `attacked` has the examples."""
        clean_logits = model(batch.images)
        clean = F.cross_entropy(clean_logits, batch.labels)
        if not len(self.labels):
            right = (clean_logits.argmax(1) == batch.labels).sum()
            return Outcome(loss=clean, attacked=batch.images, right=right)
        shape, device = (len(batch.images),), batch.images.device
        picks = torch.randint(len(self.labels), shape, generator=batch.generator)
        examples, labels = self.examples[picks].float().to(device), self.labels[picks].to(device)
        logits, weight = model(examples), self.settings.weight
        return Outcome(
            loss=(clean + weight * F.cross_entropy(logits, labels)) / (1 + weight),
            attacked=examples,
            right=(logits.argmax(1) == labels).sum(),
        )

    def end_epoch(
        self, model: Model, data: TrainingSet, epsilon_255: float, generator: torch.Generator
    ) -> None:
        """Find the boundary examples of the network as it is; without an attack there are none."""
        if epsilon_255 < 1:  # no other image on the uint8 grid is that near
            return
        order = torch.randperm(len(data.labels), generator=generator)[: self.settings.scanned]
        found = [
            self._beyond_boundary(model, data, rows, float(int(epsilon_255)), generator)
            for rows in track(order.split(_BATCH), "boundary examples", unit="batches")
        ]
        self.examples = torch.cat([examples for examples, _ in found])
        self.sources = torch.cat([sources for _, sources in found])
        self.labels = data.labels[self.sources]

    def _beyond_boundary(
        self,
        model: Model,
        data: TrainingSet,
        rows: Tensor,
        epsilon: float,
        generator: torch.Generator,
    ) -> tuple[Tensor, Tensor]:
        clean = data.images[rows].float().to(model.device)
        labels = data.labels[rows].to(model.device)
        batch = Batch(images=clean, labels=labels, epsilon_255=epsilon, generator=generator)
        start = uniform_start(clean, epsilon, generator)
        with model.attacked() as victim:
            way = cross_entropy_ascent(victim, batch, self.settings, start=start) - clean
            bisections = self.settings.bisections
            distance, near = crossing(victim, clean, labels, way, reach=1.0, bisections=bisections)
        examples = moved_along(clean, way, distance).round().to(torch.uint8)
        return examples[near].cpu(), rows[near.cpu()]

    def state_dict(self) -> dict[str, Any]:
        """Return the boundary examples."""
        return {"examples": self.examples, "labels": self.labels, "sources": self.sources}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on with those examples."""
        self.examples = state["examples"].clone()
        self.labels, self.sources = state["labels"].clone(), state["sources"].clone()
