# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""ResNet-8 of MLPerf Tiny on CIFAR-10."""

from flow.zoo.entries.cifar10 import cifar10_entry, plain
from flow.zoo.entry import Target

__all__ = ["ENTRIES"]

_TARGET = Target(frames_per_second=1000, images=16)

ENTRIES = (cifar10_entry("cifar10-resnet8-w4a4", "resnet8", 4, plain(4), _TARGET),)
