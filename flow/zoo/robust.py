# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""How the zoo's robust networks were trained; `steelflow zoo train NAME` does it."""

from flow.config import HeldOut, TrainerSettings
from flow.zoo.recipe import Recipe

__all__ = ["ROBUST_RECIPES"]


def _lenet(*, epochs: int, epsilon_255: float) -> TrainerSettings:
    return TrainerSettings(
        epochs=epochs,
        learning_rate=2e-3,
        learning_rate_warmup=0.1,
        epsilon_255=epsilon_255,
        warmup_epochs=1,
        batch_size=250,
        calibration_batches=40,
        held_out=HeldOut(images=1000, epsilon_255=76),
    )


def _certified(
    *, epochs: int, learning_rate: float, trained_255: int, measured_255: int, ramp: float = 0.4
) -> TrainerSettings:
    """Return the settings of a training on interval bounds: no statistics, no held-out choice.

    Its ball is a little larger than the one it is measured in.
    """
    return TrainerSettings(
        epochs=epochs,
        learning_rate=learning_rate,
        learning_rate_warmup=0.05,
        epsilon_255=trained_255,
        warmup_epochs=ramp * epochs,
        batch_size=250,
        held_out=HeldOut(epsilon_255=measured_255),
    )


# An image of one bit changes only where a pixel is within epsilon of 1/2: a few large steps are
# enough. They find less than the attacks that measure, which a larger epsilon makes up for.
ROBUST_RECIPES = {
    "mnist-tfc-w2a2-robust": Recipe(
        objective="pgd",
        options={"steps": 4, "relative_step": 0.5},
        initial="mnist-tfc-w2a2",
        trainer=TrainerSettings(
            epochs=8,
            learning_rate=5e-3,
            epsilon_255=36,
            batch_size=500,
            calibration_batches=30,
            held_out=HeldOut(images=1000, every=8, epsilon_255=26),
        ),
    ),
    # Few bits are free in a ball, so that search proves what bounds leave open: attacked images
    # have most of the weight.
    "mnist-tfc-w2a2-certified": Recipe(
        objective="mtl_ibp",
        options={"bound_weight": 0.3, "clean_start": 0.0},
        trainer=_certified(epochs=14, learning_rate=8e-3, trained_255=28, measured_255=26),
    ),
    "mnist-convsmall-w4a4-certified": Recipe(
        objective="mtl_ibp",
        options={"bound_weight": 0.4},
        trainer=_certified(
            epochs=14, learning_rate=3e-3, trained_255=28, measured_255=25, ramp=0.5
        ),
    ),
    "mnist-convsmall-w4a4-certified76": Recipe(  # too many bits are free to search them all
        objective="ibp",
        trainer=_certified(
            epochs=24, learning_rate=3e-3, trained_255=80, measured_255=76, ramp=0.5
        ),
    ),
    "mnist-lenet-w4a4-dq": Recipe(
        objective="pgd",
        options={"steps": 4, "relative_step": 0.5},
        penalties={"dq": 1e-3},
        trainer=_lenet(epochs=12, epsilon_255=86),
    ),
    "mnist-lenet-w2a2-dq": Recipe(
        objective="pgd",
        options={"steps": 4, "relative_step": 0.5},
        penalties={"dq": 1e-3},
        initial="mnist-lenet-w4a4-dq",
        initial_share=1.0,
        trainer=_lenet(epochs=8, epsilon_255=90),
    ),
    "cifar10-cnv-w4a4-robust": Recipe(  # FGSM from a random start: Wong, Rice, Kolter (2020)
        objective="fgsm",
        initial="cifar10-cnv-w4a4",
        trainer=TrainerSettings(
            epochs=12,
            learning_rate=1e-2,
            learning_rate_warmup=0.1,
            epsilon_255=8,
            warmup_epochs=1,
            batch_size=100,
            shift=2,
            flip=True,
            calibration_batches=40,
            held_out=HeldOut(images=1000, epsilon_255=8),
            precision="bf16-mixed",
            channels_last=True,
        ),
    ),
}
