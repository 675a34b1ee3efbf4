# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What an attack is: clean uint8 images in, uint8 images of the same size out."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import nullcontext
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from flow.attacks._search import Search
from flow.attacks._victim import Victim
from flow.attacks.goals import Goal, Untargeted
from flow.classifier import Differentiable, Images, Labels, check_images
from flow.errors import FlowError
from flow.progress import Report

__all__ = ["Attack", "check_attack_input"]


class Attack(ABC):
    """Searches the ball around each image for one that the network gets wrong.

    Attributes:
        name: the registry's key, as it stands in configurations and reports.
        norm: of the ball, linf or l2; distances are in uint8 units.
        white_box: it looks inside the network; else it asks for logits only.
        by_gradient: it finds its way by gradients, which a white box may do without.
        together: it learns from all images that it attacks, which cannot be divided.
        any_goal: it takes every goal; else it looks for misclassified images only.
        goal: what counts as success; see flow.attacks.pursuit for others.
        batch: images that are searched together, which bounds the memory.
        steps: gradient steps of one restart, or queries of a black box.
        restarts: independent searches; the worst image of all counts.
    """

    name: ClassVar[str]
    norm: ClassVar[str] = "linf"
    white_box: ClassVar[bool] = True
    by_gradient: ClassVar[bool] = True
    together: ClassVar[bool] = False
    any_goal: ClassVar[bool] = True
    goal: ClassVar[Goal] = Untargeted()
    batch: ClassVar[int] = 256
    steps: int
    restarts: int

    def run(
        self,
        network: Differentiable,
        images: Images,
        labels: Labels,
        epsilon_255: int,
        seed: int,
        *,
        only: NDArray[np.bool_] | None = None,
        progress: Report | None = None,
    ) -> Images:
        """Return uint8[N, H, W, C] within epsilon_255 of the images, the same for the same seed.

        Args:
            network: the victim; gradients come from its twin.
            images: uint8[N, H, W, C], clean.
            labels: int64[N], the true classes.
            epsilon_255: radius of the ball in uint8 units, 0..255.
            seed: of the random starts; image i's draws depend on (seed, restart, i) alone.
            only: bool[N], the images to attack, all when absent; the others come back clean.
            progress: is told (done, total), in images times restarts.

        Raises:
            FlowError: images, labels or epsilon do not fit (see check_attack_input), or the
                network has too few classes for the attack's loss.
        """
        check_images(images, network.input_shape)
        check_attack_input(images, labels, epsilon_255)
        best, victim = images.copy(), Victim(network)
        chosen = np.arange(len(images)) if only is None else np.flatnonzero(only)
        for start in range(0, len(chosen) if epsilon_255 else 0, self.batch):
            rows = chosen[start : start + self.batch]
            search = Search(images[rows], labels[rows], rows, epsilon_255, seed)
            with victim.threads() if self.white_box and self.by_gradient else nullcontext():
                search.begin(victim.logits(search.clean, by_twin=self.white_box))
                for share in self._search(victim, search):
                    if progress:
                        done = (start + share * len(rows)) * self.restarts
                        progress(round(done), len(chosen) * self.restarts)
            best[rows] = search.best
        return best

    @abstractmethod
    def _search(self, victim: Victim, search: Search) -> Iterator[float]:
        """Offer candidates to the search; yield from time to time which share is done, 0..1."""


def check_attack_input(images: Images, labels: Labels, epsilon_255: int) -> None:
    """Refuse an epsilon outside 0..255 and labels that are not one for each image.

    Raises:
        FlowError: naming the value.
    """
    if not 0 <= epsilon_255 <= 255:
        raise FlowError(f"attack: epsilon_255 {epsilon_255} is not within 0..255 (uint8 units)")
    if labels.shape != (len(images),):
        raise FlowError(
            f"attack: labels of shape {labels.shape} for {len(images)} images; give one each"
        )
