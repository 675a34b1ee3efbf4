# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The integer network: the reference that every other engine must equal, and its torch twin."""

from flow.integer.bounds import Interval
from flow.integer.network import IntegerNetwork
from flow.integer.operations import (
    IMAGE,
    Add,
    Bias,
    Concat,
    Convolution,
    Dense,
    Flatten,
    Gather,
    MaxPool,
    Operation,
    Scale,
    SumPool,
    Threshold,
    Unflatten,
)

__all__ = [
    "IMAGE",
    "Add",
    "Bias",
    "Concat",
    "Convolution",
    "Dense",
    "Flatten",
    "Gather",
    "IntegerNetwork",
    "Interval",
    "MaxPool",
    "Operation",
    "Scale",
    "SumPool",
    "Threshold",
    "Unflatten",
]
