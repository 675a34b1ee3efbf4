# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The training images: what is held out, and the minibatches of each epoch."""

from collections.abc import Iterator

import torch
from torch import Tensor

from flow.config import TrainerSettings
from flow.data.datasets import Dataset
from flow.errors import FlowError
from flow.objectives import TrainingSet
from flow.training.augmentation import mirrored, moved

__all__ = ["TrainingImages", "seeded"]

_STRIDE = 1_000_003  # between the seeds of two trainings
_RANKS = 2**40  # between the seeds of two devices


class TrainingImages:
    """One device's share of a data set's training images.

    Attributes:
        training: those that are trained on, all of them.
        held_out: those that are not.
        steps: minibatches of an epoch.

    Raises:
        FlowError: too few images would be left to train on.
    """

    def __init__(
        self,
        dataset: Dataset,
        settings: TrainerSettings,
        *,
        seed: int = 0,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        self._settings, self._seed, self._rank, self._world = settings, seed, rank, world
        images = torch.from_numpy(dataset.train_images).permute(0, 3, 1, 2).contiguous()
        labels, count = torch.from_numpy(dataset.train_labels), settings.held_out.images
        if len(labels) - count < 2 * world:
            raise FlowError(
                f"trainer: held_out.images {count} leaves {max(0, len(labels) - count)} of the "
                f"{len(labels)} training images; hold out fewer"
            )
        rows = torch.arange(len(labels))
        if count:
            rows = torch.randperm(len(labels), generator=seeded(seed, -1))
        kept, out = rows[count:], rows[:count]
        self.training = TrainingSet(
            images=images[kept], labels=labels[kept], classes=dataset.classes
        )
        self.held_out = TrainingSet(images=images[out], labels=labels[out], classes=dataset.classes)
        self._batch = min(settings.batch_size, len(kept))
        self.steps = len(kept) // self._batch

    def minibatches(self, epoch: int) -> Iterator[tuple[Tensor, Tensor, torch.Generator]]:
        """Yield images float32[n, C, H, W] in 0..255, labels int64[n] and the epoch's generator.

        All draws depend on seed, epoch and device only. Images that do not fill a minibatch are
        left out of the epoch.
        """
        generator = seeded(self._seed, epoch)
        order = torch.randperm(len(self.training.labels), generator=generator)
        if self._rank:
            generator.manual_seed(generator.initial_seed() + self._rank * _RANKS)
        for step in range(self.steps):
            chosen = order[step * self._batch : (step + 1) * self._batch]
            chosen = chosen[self._rank :: self._world]
            images = moved(self.training.images[chosen].float(), self._settings.shift, generator)
            images = mirrored(images, generator) if self._settings.flip else images
            yield images, self.training.labels[chosen], generator


def seeded(seed: int, epoch: int) -> torch.Generator:
    """Return the generator of an epoch; -1 is for what is drawn before the first."""
    return torch.Generator().manual_seed(seed * _STRIDE + epoch % _STRIDE)
