# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""CNV on CIFAR-10: the network of BNN-PYNQ, plain and robust."""

from flow.config import HeldOut, Recipe
from flow.zoo.entries.cifar10 import cifar10_entry, plain
from flow.zoo.entry import Start, Target

__all__ = ["ENTRIES"]

_ROBUST = Recipe(  # FGSM from a random start: Wong, Rice, Kolter (2020)
    objective="fgsm",
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
)
_TARGET = Target(frames_per_second=1000, images=8)  # 98,304 cycles a frame at 100 MHz
# The shipped 1w1a and 4w4a began with the 2w2a of two epochs (67.14%), which this one replaced.
_OF_2_BITS = Start(network="cifar10-cnv-w2a2", share=0.5)
_OF_4_BITS = Start(network="cifar10-cnv-w4a4")

ENTRIES = (
    cifar10_entry("cifar10-cnv-w1a1", "cnv", 1, plain(2), _TARGET, start=_OF_2_BITS),
    cifar10_entry("cifar10-cnv-w2a2", "cnv", 2, plain(20), _TARGET),
    cifar10_entry("cifar10-cnv-w4a4", "cnv", 4, plain(1), _TARGET, start=_OF_2_BITS),
    cifar10_entry("cifar10-cnv-w4a4-robust", "cnv", 4, _ROBUST, _TARGET, start=_OF_4_BITS),
)
