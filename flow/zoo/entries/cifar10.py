# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What the networks on CIFAR-10 share."""

from brevitas_models.bits import BitTable
from brevitas_models.settings import ArchitectureSettings
from flow.config import Recipe
from flow.zoo.entry import CIFAR10, Start, Target, ZooEntry

__all__ = ["cifar10_entry", "plain"]


def plain(epochs: int) -> Recipe:
    """Return a recipe whose layers compute in bfloat16, which holds the grids exactly."""
    return Recipe(
        epochs=epochs,
        learning_rate=2e-2,
        batch_size=100,
        calibration_batches=100,
        shift=2,
        flip=True,
        precision="bf16-mixed",
        channels_last=True,
    )


def cifar10_entry(
    name: str,
    architecture: str,
    bits: int,
    recipe: Recipe,
    target: Target,
    *,
    start: Start | None = None,
) -> ZooEntry:
    """Return the entry of a network with fixed scales and the same bits everywhere."""
    network = ArchitectureSettings(architecture=architecture, bits=BitTable.uniform(bits, bits))
    return ZooEntry(
        name=name,
        data="cifar10",
        network=network,
        recipe=recipe,
        start=start,
        target=target,
        run=CIFAR10,
    )
