# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What a named architecture leaves open, as one value that a checkpoint can hold."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from brevitas_models.bits import BitTable
from brevitas_models.errors import ModelError
from brevitas_models.joins import Join
from brevitas_models.plain_values import from_plain
from brevitas_models.quantizers import Quantizers

__all__ = ["ArchitectureSettings", "Cell", "Pool"]


class Cell(StrEnum):
    """What stands in the place of a convolution of architecture convnet."""

    CONV = "conv"  # the 3x3 convolution
    RESIDUAL = "residual"  # a basic block of two, beside a shortcut
    SEPARABLE = "separable"  # a depthwise one, and a 1x1 across channels


class Pool(StrEnum):
    """Which pool an architecture that leaves it open has."""

    MAX = "max"
    AVERAGE = "average"


@dataclass(frozen=True, kw_only=True)
class ArchitectureSettings:
    """One network up to its weights.

    Attributes:
        architecture: one of brevitas_models.architectures.architecture_names.
        bits: of every layer.
        input_shape: (H, W, C) of an image; by default the publication's.
        classes: how many there are.
        width: factor of every channel count between image and logits.
        quantizers: the kinds of weights and activations.
        input_bits: bit depth that the image is squeezed to; by default it stays as it is, but for
            the perceptrons, which quantize it like their activations.
        join: how residual branches meet.
        pool: the 2x2 pools' kind.
        convolutions: channels and stride of each, of architecture convnet.
        cells: what each of them is; all are convolutions where nothing is said.
    """

    architecture: str
    bits: BitTable
    input_shape: tuple[int, int, int] | None = None
    classes: int = 10
    width: float = 1.0
    quantizers: Quantizers = field(default_factory=Quantizers)
    input_bits: int | None = None
    join: Join = Join.SUM
    pool: Pool = Pool.MAX
    convolutions: tuple[tuple[int, int], ...] = ()
    cells: tuple[Cell, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "join", Join(self.join))
        object.__setattr__(self, "pool", Pool(self.pool))
        object.__setattr__(self, "convolutions", tuple(tuple(one) for one in self.convolutions))
        object.__setattr__(self, "cells", tuple(map(Cell, self.cells)))
        if self.input_shape is not None:
            object.__setattr__(self, "input_shape", tuple(self.input_shape))
            if len(self.input_shape) != 3 or min(self.input_shape) < 1:
                raise ModelError(
                    f"{self.architecture}: input_shape {self.input_shape} is not the height, width "
                    "and channels of an image; give three positive numbers"
                )
        if self.classes < 2:
            raise ModelError(f"{self.architecture}: {self.classes} classes; give at least 2")
        if not (math.isfinite(self.width) and self.width > 0):
            raise ModelError(f"{self.architecture}: width {self.width} is not above 0; change it")

    def to_mapping(self) -> dict[str, Any]:
        """Return plain values, for from_mapping."""
        plain = asdict(self)
        plain["quantizers"] = {key: str(value) for key, value in plain["quantizers"].items()}
        plain |= {"join": str(self.join), "pool": str(self.pool)}
        cells = tuple(map(str, plain.pop("cells")))
        return plain | ({"cells": cells} if cells else {})  # else as before there were any

    @classmethod
    def from_mapping(cls, content: Mapping[str, Any]) -> "ArchitectureSettings":
        """Return the settings that to_mapping wrote; see from_plain."""
        return from_plain(cls, content, "network settings")
