# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Exact bounds of accumulators, by interval analysis of integer operations."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["FLOAT32_EXACT", "FLOAT64_EXACT", "Interval", "exact_float"]

FLOAT32_EXACT = 2**24  # every integer of at most this size is a float32
FLOAT64_EXACT = 2**53


@dataclass(frozen=True)
class Interval:
    """All integers from lo to hi, both included."""

    lo: int
    hi: int

    def including_zero(self) -> "Interval":
        """Widen to hold 0, which padding brings in."""
        return Interval(min(self.lo, 0), max(self.hi, 0))

    def of_products(self, weights: NDArray[np.int64]) -> "Interval":
        """Bound sum_i x_i * w[i, o] over all o, x_i in this interval and w int64[I, O].

        Attained: each input may take its extreme on its own, so no narrower bound holds.
        """
        positive = np.maximum(weights, 0).sum(axis=0)
        negative = np.minimum(weights, 0).sum(axis=0)
        lo = positive * self.lo + negative * self.hi
        hi = positive * self.hi + negative * self.lo
        return Interval(int(lo.min()), int(hi.max()))

    def magnitude(self) -> int:
        """Return the largest absolute value."""
        return max(abs(self.lo), abs(self.hi))


def exact_float(largest_sum: int) -> type[np.float32] | type[np.float64] | None:
    """Return the narrowest float in which sums up to largest_sum are exact, None if there is none.

    Partial sums must be within largest_sum too: pass a bound of sum |x_i * w_i|.
    """
    if largest_sum < FLOAT32_EXACT:
        return np.float32
    return np.float64 if largest_sum < FLOAT64_EXACT else None
