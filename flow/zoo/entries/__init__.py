# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The networks of the zoo, a file for each family; adding one is an entry there.

A new family is a file here and its line in _FAMILIES.
"""

from brevitas_models.errors import ModelError
from flow.zoo.entries.cifar10_cnv import ENTRIES as CIFAR10_CNV
from flow.zoo.entries.cifar10_mobilenet import ENTRIES as CIFAR10_MOBILENET
from flow.zoo.entries.cifar10_resnet8 import ENTRIES as CIFAR10_RESNET8
from flow.zoo.entries.mnist_convsmall import ENTRIES as MNIST_CONVSMALL
from flow.zoo.entries.mnist_lenet import ENTRIES as MNIST_LENET
from flow.zoo.entries.mnist_tfc import ENTRIES as MNIST_TFC
from flow.zoo.entry import ZooEntry
from steelflow_names import hint

__all__ = ["ENTRIES", "entry"]

_FAMILIES = (
    MNIST_TFC,
    MNIST_CONVSMALL,
    MNIST_LENET,
    CIFAR10_CNV,
    CIFAR10_RESNET8,
    CIFAR10_MOBILENET,
)
ENTRIES: dict[str, ZooEntry] = {one.name: one for family in _FAMILIES for one in family}


def entry(name: str) -> ZooEntry:
    """Return the entry of a network.

    Raises:
        ModelError: there is none of that name; the message has the nearest.
    """
    if name not in ENTRIES:
        raise ModelError(f"zoo: there is no network {name!r}{hint(name, ENTRIES)}")
    return ENTRIES[name]
