# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What an attack is: clean uint8 images in, uint8 images of the same size out."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, Protocol

from flow.classifier import Classifier, Images, Labels
from flow.errors import FlowError
from flow.progress import Report

if TYPE_CHECKING:
    from torch import nn

__all__ = ["Attack", "Differentiable", "check_attack_input"]


class Differentiable(Classifier, Protocol):
    """A classifier that hands out a torch twin; IntegerNetwork is one."""

    @property
    def scale(self) -> float:
        """Positive; the trained network's float logits are scale * integer logits."""
        ...

    def twin(self) -> "nn.Module":
        """Return float[N, H, W, C] in uint8 units -> float[N, K], equal to logits on integers."""
        ...


class Attack(ABC):
    """Searches the ball around each image for one that the network gets wrong.

    Attributes:
        name: the registry's key, as it stands in configurations and reports.
        norm: of the ball; distances are in uint8 units.
        steps: gradient steps of one restart.
        restarts: independent searches; the worst image of all counts.
    """

    name: ClassVar[str]
    norm: ClassVar[str] = "linf"
    steps: int
    restarts: int

    @abstractmethod
    def run(
        self,
        network: Differentiable,
        images: Images,
        labels: Labels,
        epsilon_255: int,
        seed: int,
        *,
        progress: Report | None = None,
    ) -> Images:
        """Return uint8[N, H, W, C] within epsilon_255 of the images, the same for the same seed.

        Args:
            network: the white box; gradients come from its twin.
            images: uint8[N, H, W, C], clean.
            labels: int64[N], the true classes.
            epsilon_255: radius of the ball in uint8 units, 0..255.
            seed: of the random starts; image i's draws depend on (seed, restart, i) alone.
            progress: is told (done, total), in images times restarts.

        Raises:
            FlowError: images, labels or epsilon do not fit (see check_attack_input).
        """


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
