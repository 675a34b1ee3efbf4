# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""LeNet-5 of twice the width on MNIST, robust with Defensive Quantization's penalty."""

from brevitas_models.bits import BitTable
from brevitas_models.quantizers import Quantizers, WeightQuantizer
from brevitas_models.settings import ArchitectureSettings
from flow.config import HeldOut, Recipe
from flow.zoo.entry import MNIST, Start, Target, ZooEntry

__all__ = ["ENTRIES"]


def _network(bits: int, weights: WeightQuantizer) -> ArchitectureSettings:
    """Return the network with trained weight scales, which the penalty needs."""
    return ArchitectureSettings(
        architecture="lenet5",
        bits=BitTable.uniform(bits, bits),
        quantizers=Quantizers(weights=weights),
        width=2.0,
        input_bits=1,
    )


def _recipe(*, epochs: int, epsilon_255: float) -> Recipe:
    return Recipe(
        objective="pgd",
        options={"steps": 4, "relative_step": 0.5},
        penalties={"dq": 1e-3},
        epochs=epochs,
        learning_rate=2e-3,
        learning_rate_warmup=0.1,
        epsilon_255=epsilon_255,
        warmup_epochs=1,
        batch_size=250,
        calibration_batches=40,
        held_out=HeldOut(images=1000, epsilon_255=76),
    )


_TARGET = Target(frames_per_second=3000, images=32)

ENTRIES = (
    ZooEntry(
        name="mnist-lenet-w4a4-dq",
        data="mnist",
        network=_network(4, WeightQuantizer.POWER_OF_TWO),
        recipe=_recipe(epochs=12, epsilon_255=86),
        target=_TARGET,
        run=MNIST,
    ),
    ZooEntry(
        name="mnist-lenet-w2a2-dq",
        data="mnist",
        network=_network(2, WeightQuantizer.TERNARY),
        recipe=_recipe(epochs=8, epsilon_255=90),
        start=Start(network="mnist-lenet-w4a4-dq", share=1.0),
        target=_TARGET,
        run=MNIST,
    ),
)
