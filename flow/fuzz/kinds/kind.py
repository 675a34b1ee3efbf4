# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What a kind of layer is."""

from collections.abc import Callable
from dataclasses import dataclass

from flow.fuzz.layer_writer import LayerWriter
from flow.fuzz.quantizers import Edge
from flow.fuzz.spec import Block

__all__ = ["Kind"]


@dataclass(frozen=True)
class Kind:
    """A layer by name.

    Attributes:
        name: as Block.kind has it.
        weight: how often it is drawn, against the others.
        write: adds the layer of a block behind an edge, and returns what leaves it.
    """

    name: str
    weight: float
    write: Callable[[LayerWriter, Block, Edge], Edge]
