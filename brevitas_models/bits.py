# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""How many bits each layer has: one default and a table of exceptions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from brevitas_models.errors import ModelError
from steelflow_names import hint

__all__ = ["BitTable", "Precision"]


@dataclass(frozen=True, kw_only=True)
class Precision:
    """Bits of a layer's weights and of the activation behind it, 1 to 8; 1 bit is -1 or 1."""

    weight_bits: int
    activation_bits: int

    def __post_init__(self) -> None:
        for name in ("weight_bits", "activation_bits"):
            if not 1 <= getattr(self, name) <= 8:
                raise ModelError(f"network: {name} {getattr(self, name)} is not in 1..8; change it")


@dataclass(frozen=True, kw_only=True)
class BitTable:
    """The precision of every layer of a network.

    Attributes:
        default: of the layers that `layers` does not name.
        layers: layer's name, one of brevitas_models.architectures.layer_names, to its precision.
    """

    default: Precision
    layers: Mapping[str, Precision] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", dict(self.layers))

    @classmethod
    def uniform(cls, weight_bits: int, activation_bits: int) -> "BitTable":
        """Return the table that gives every layer the same bits."""
        return cls(default=Precision(weight_bits=weight_bits, activation_bits=activation_bits))

    def of(self, layer: str) -> Precision:
        """Return a layer's precision."""
        return self.layers.get(layer, self.default)

    def check(self, architecture: str, known: Sequence[str]) -> None:
        """Refuse a table for other layers than the architecture's.

        Raises:
            ModelError: the table names a layer that is not known; the message has the nearest.
        """
        for layer in self.layers:
            if layer not in known:
                raise ModelError(
                    f"{architecture}: there is no layer {layer!r} to give bits{hint(layer, known)}"
                )
