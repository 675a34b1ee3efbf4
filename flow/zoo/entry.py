# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What one network of the zoo is: all that trains, measures, builds and runs it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from brevitas_models.settings import ArchitectureSettings
from flow.config import Recipe

__all__ = ["CIFAR10", "MNIST", "RunDefaults", "Start", "Target", "ZooEntry"]


@dataclass(frozen=True, kw_only=True)
class Start:
    """First weights on the way from fresh ones to those of a trained network of the same layers."""

    network: str  # of the zoo
    share: float = 0.75  # of the way


@dataclass(frozen=True, kw_only=True)
class Target:
    """What a network is folded for, and how many test images its RTL sees by default."""

    frames_per_second: float
    images: int
    part: str = "xc7z020clg400-1"
    clock_mhz: float = 100.0

    def changed(self, **given: Any) -> "Target":  # noqa: ANN401 - of the fields
        """Return the same with what is given and not None."""
        return replace(self, **{key: value for key, value in given.items() if value is not None})


@dataclass(frozen=True, kw_only=True)
class RunDefaults:
    """What a run of a network does where its configuration says no more than `zoo: NAME`.

    Attributes:
        epsilon_255: strength of the attack where the card has neither robust nor certified figures.
        verify: of the configuration's section, what one CPU core does in some minutes.
        certify: of the configuration's section, too.
        attack: as these.
    """

    epsilon_255: int
    verify: Mapping[str, Any]
    certify: Mapping[str, Any]
    attack: Mapping[str, Any]


# The worst case of those that the cards are measured with; each sees what those before it left. An
# image of few bits gives poor gradients, so that one of MNIST's attacks needs none.
MNIST = RunDefaults(
    epsilon_255=26,
    verify={"images": 2000, "finn_images": 64},
    certify={"nodes": 5000},
    attack={
        "attacks": ["apgd_ce", "flip", "apgd_dlr", "pgd", "square"],
        "stop_early": True,
        "images": 200,
        "steps": 40,
        "restarts": 2,
        "queries": 2000,
    },
)
CIFAR10 = RunDefaults(  # and other images of 32x32 and more
    epsilon_255=8,
    verify={"images": 200, "finn_images": 8},
    certify={"images": 10, "flips": 50, "nodes": 50},  # on 8 bits search proves nothing
    attack={
        "attacks": ["apgd_ce", "apgd_dlr", "pgd", "square"],
        "stop_early": True,
        "images": 50,
        "steps": 20,
        "restarts": 1,
        "queries": 500,
    },
)


@dataclass(frozen=True, kw_only=True)
class ZooEntry:
    """One network of the zoo.

    Attributes:
        name: of its files, its card and its command.
        data: the images, a source of flow.data.
        network: its architecture.
        recipe: its training, and the ball it is measured in.
        start: of the training; fresh weights when None.
        seed: of the first weights and of the training.
        target: what its accelerator is folded for.
        run: the defaults of a run.
    """

    name: str
    data: str
    network: ArchitectureSettings
    recipe: Recipe
    target: Target
    run: RunDefaults
    start: Start | None = None
    seed: int = 0

    @property
    def epsilon_255(self) -> int:
        """Radius of the ball it is measured in; it may be trained in a larger one. 0: in none."""
        measured = self.recipe.held_out.epsilon_255
        return int(self.recipe.epsilon_255 if measured is None else measured)
