# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What an activation quantizer does to a number: thresholds and evenly spaced levels."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from brevitas_models.quantizers.dqa import DynamicQuantizedActivation

__all__ = ["Staircase", "proxy_staircase", "staircase"]

_Float = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Staircase:
    """lowest + step * the number of thresholds that a value reaches.

    Attributes:
        lowest: the lowest level.
        step: between two levels.
        thresholds: float64[levels - 1], ascending.
    """

    lowest: float
    step: float
    thresholds: _Float

    @property
    def levels(self) -> _Float:
        """The levels float64[T + 1], ascending."""
        places: _Float = np.arange(len(self.thresholds) + 1, dtype=np.float64)
        return self.lowest + self.step * places

    @property
    def has_zero(self) -> bool:
        """Whether 0 is a level, as zero padding needs."""
        return bool((np.abs(self.levels) < self.step / 4).any())

    @property
    def slope(self) -> float:
        """The least s with |q(a) - q(b)| <= s |a - b| + step: 1 for evenly spaced thresholds.

        Values within a gap g between thresholds take one step; k + 1 steps need k gaps between
        them. Infinite where two thresholds coincide.
        """
        if len(self.thresholds) < 2:
            return 0.0
        narrowest = float(np.diff(self.thresholds).min())
        return self.step / narrowest if narrowest > 0 else float("inf")


def staircase(module: nn.Module) -> Staircase | None:
    """Return what a module does to numbers; None if it does not quantize activations.

    Of a Brevitas quantizer with one scale a channel the largest counts.
    """
    if isinstance(module, DynamicQuantizedActivation):
        if module.disable_quant:
            return None
        ascending = np.sort(module.thresholds.detach().cpu().double().numpy())
        return Staircase(module.lowest, module.step, ascending)
    return proxy_staircase(getattr(module, "act_quant", None))


def proxy_staircase(proxy: Any) -> Staircase | None:  # noqa: ANN401 - Brevitas has no types
    """Return the same of a Brevitas proxy; None if there is none or it is switched off."""
    if proxy is None or not getattr(proxy, "is_quant_enabled", False):
        return None
    scale, bits = float(proxy.scale().detach().max()), int(proxy.bit_width())
    signed, narrow = bool(proxy.is_signed), bool(proxy.is_narrow_range)
    if bits == 1 and signed:
        return Staircase(-scale, 2 * scale, np.zeros(1))
    zero = float(proxy.zero_point().detach().max())
    low = -(2 ** (bits - 1)) + narrow if signed else 0
    high = 2 ** (bits - 1) - 1 if signed else 2**bits - 1 - narrow
    thresholds = (np.arange(low, high) + 0.5 - zero) * scale
    return Staircase((low - zero) * scale, scale, thresholds)
