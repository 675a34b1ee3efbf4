# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Linear forms over the values of a network, whose sums are refused before they leave 64 bits."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from flow.certify.staircase import Line
from flow.integer.operations import Integers

__all__ = ["Form", "Lines", "product", "refuse_large"]

_LIMIT = 2.0**61


@dataclass(frozen=True, kw_only=True, eq=False)
class Lines:
    """Below and above the staircases of one threshold operation, for all of its units."""

    below: Line
    above: Line


@dataclass
class Form:
    """(constant + sum over nodes of held[n] times its values) / 2**bits, a row a bound."""

    held: dict[int, Integers]
    constant: Integers
    bits: int = 0

    def reach(self, node: int, coefficients: Integers) -> None:
        """Add coefficients of a node."""
        before = self.held.get(node)
        self.held[node] = coefficients if before is None else before + coefficients
        refuse_large(self.held[node].astype(np.float64))

    def add(self, coefficients: Integers, values: Integers | None) -> None:
        """Add what values give that are known."""
        assert values is not None
        self.constant = self.constant + product(coefficients, values[:, None])[:, 0]
        refuse_large(self.constant.astype(np.float64))

    def settle(self, coefficients: Integers, low: Integers, high: Integers) -> None:
        """Let each value take the end of its interval that lowers the sum."""
        self.add(coefficients.clip(min=0), low)
        self.add(coefficients.clip(max=0), high)

    def replace(self, source: int, coefficients: Integers, lines: Lines) -> None:
        """Put the lines of its input in the place of each staircase."""
        up, down = coefficients.clip(min=0), coefficients.clip(max=0)
        bits = lines.below.bits
        for array in [self.constant, *self.held.values()]:
            refuse_large(array.astype(np.float64) * 2.0**bits)
        self.bits, self.constant = self.bits + bits, self.constant << bits
        self.held = {node: array << bits for node, array in self.held.items()}
        self.add(up, lines.below.intercept)
        self.add(down, lines.above.intercept)
        below, above = lines.below.slope, lines.above.slope
        refuse_large(up * below.astype(np.float64))
        refuse_large(down * above.astype(np.float64))
        self.reach(source, np.asarray(up * below + down * above))


def product(coefficients: Integers, weights: Integers | sparse.csr_array) -> Integers:
    """Return the matrix product, none of whose partial sums leaves 64 bits."""
    refuse_large(np.abs(coefficients).astype(np.float64) @ abs(weights).astype(np.float64))
    return np.asarray(coefficients @ weights)


def refuse_large(reach: NDArray[Any]) -> None:
    """Raise OverflowError where a magnitude might not fit; float64 is exact enough for that."""
    if reach.size and float(np.abs(reach).max()) >= _LIMIT:
        raise OverflowError("a sum might leave 64 bits")
