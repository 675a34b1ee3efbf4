# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The networks of the zoo, a file for each family; adding one is an entry there.

A new family is a file here and its line in _FAMILIES.
"""

from brevitas_models.errors import ModelError
from flow.zoo.entries import (
    cifar10_cnv,
    cifar10_mobilenet,
    cifar10_resnet8,
    mnist_convsmall,
    mnist_lenet,
    mnist_tfc,
)
from flow.zoo.entry import ZooEntry
from steelflow_names import hint

__all__ = ["ENTRIES", "entry"]

_FAMILIES = (
    mnist_tfc,
    mnist_convsmall,
    mnist_lenet,
    cifar10_cnv,
    cifar10_resnet8,
    cifar10_mobilenet,
)
ENTRIES: dict[str, ZooEntry] = {one.name: one for family in _FAMILIES for one in family.ENTRIES}


def entry(name: str) -> ZooEntry:
    """Return the entry of a network.

    Raises:
        ModelError: there is none of that name; the message has the nearest.
    """
    if name not in ENTRIES:
        raise ModelError(f"zoo: there is no network {name!r}{hint(name, ENTRIES)}")
    return ENTRIES[name]
