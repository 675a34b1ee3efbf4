# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A small MobileNet on CIFAR-10."""

from flow.zoo.entries.cifar10 import cifar10_entry, plain
from flow.zoo.entry import Target

__all__ = ["ENTRIES"]

_TARGET = Target(frames_per_second=500, images=16)

ENTRIES = (cifar10_entry("cifar10-mobilenet-w4a4", "mobilenet", 4, plain(2), _TARGET),)
