# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What the networks on CIFAR-10 share."""

from brevitas_models.bits import BitTable
from brevitas_models.settings import ArchitectureSettings
from flow.config import TrainerSettings
from flow.zoo.entry import CIFAR10, Recipe, Target, ZooEntry

__all__ = ["cifar10_entry", "plain"]


def plain(epochs: int, initial: str | None = None) -> Recipe:
    """Return a recipe whose layers compute in bfloat16, which holds the grids exactly."""
    trainer = TrainerSettings(
        epochs=epochs,
        learning_rate=2e-2,
        batch_size=100,
        calibration_batches=100,
        shift=2,
        flip=True,
        precision="bf16-mixed",
        channels_last=True,
    )
    return Recipe(trainer=trainer, initial=initial, initial_share=0.5)


def cifar10_entry(
    name: str, architecture: str, bits: int, recipe: Recipe, target: Target
) -> ZooEntry:
    """Return the entry of a network with fixed scales and the same bits everywhere."""
    network = ArchitectureSettings(architecture=architecture, bits=BitTable.uniform(bits, bits))
    return ZooEntry(
        name=name, data="cifar10", network=network, recipe=recipe, target=target, run=CIFAR10
    )
