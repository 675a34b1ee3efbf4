# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""How much an experiment trains and attacks."""

from dataclasses import dataclass

from flow.errors import SettingError

__all__ = ["Scale"]


@dataclass(frozen=True, kw_only=True)
class Scale:
    """The size of an experiment.

    Attributes:
        train_images: the first so many training images are trained on.
        epochs: of each training.
        images: the first so many test images are attacked.
        seed: the first of those that trainings take.

    Raises:
        FlowError: a count is below 1.
    """

    train_images: int = 10_000
    epochs: int = 6
    images: int = 500
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("train_images", 2), ("epochs", 1), ("images", 1), ("seed", 0)):
            if getattr(self, name) < least:
                raise SettingError(f"{name} {getattr(self, name)}: give {least} or more", name)
