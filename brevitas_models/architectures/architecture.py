# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What an architecture is before anyone chooses its settings."""

from collections.abc import Callable
from dataclasses import dataclass

from brevitas_models.architectures.chain import Chain
from brevitas_models.settings import ArchitectureSettings

__all__ = ["CIFAR10", "MNIST", "Architecture"]

MNIST, CIFAR10 = (28, 28, 1), (32, 32, 3)  # (H, W, C) of the publications' images


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """One architecture.

    Attributes:
        name: in settings and configurations.
        append: appends all layers but the last to the image.
        layers: names of the weighted layers, from input to output, by the settings.
        input_shape: (H, W, C) of the publication's images.
    """

    name: str
    append: Callable[[Chain], None]
    layers: Callable[[ArchitectureSettings], tuple[str, ...]]
    input_shape: tuple[int, int, int]
