# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Functions that never fall, each by the numbers at which it reaches a bound.

A quantizer behind such a function is thresholds in front of it: f(x) >= b holds from some x on.
Values are taken as the nearest float32 (of the product with a slope, of the function otherwise):
that is what executors return, exactly for products and up to a few units in the last place for the
others. So products tie with a quantizer's boundaries where an executor's do, and a function reaches
its limit (a sigmoid its 1) where float32 does.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

from flow.lowering._enclosures import enclosed, erf_inverse, logarithm, nearest_float32
from flow.lowering._reach import ALWAYS, Cut, Reach, above, at_least

__all__ = [
    "Ceil",
    "Erf",
    "Exp",
    "Exponential",
    "Floor",
    "Growing",
    "HardSigmoid",
    "Leaky",
    "Log",
    "Piecewise",
    "Round",
    "Sigmoid",
    "Softplus",
    "Softsign",
    "Sqrt",
    "Tanh",
    "ThresholdedRelu",
]


@dataclass(frozen=True)
class Growing(ABC):
    """A function of one number that never falls."""

    @abstractmethod
    def reach(self, bound: Fraction, bits: int, *, inclusive: bool) -> Reach:
        """Return where the function is at least the bound (above it, if not inclusive).

        Args:
            bound: a value that the function may take.
            bits: precision of an enclosure.
            inclusive: whether the bound itself is enough.

        Raises:
            Undecided: an enclosure could not be proven.
        """


class Piecewise(Growing):
    """A function with rational values at rational numbers."""

    @abstractmethod
    def at(self, value: Fraction) -> Fraction:
        """Return the function's value."""


@dataclass(frozen=True)
class Leaky(Piecewise):
    """LeakyRelu and PRelu: x, or slope * x below 0; slope is not negative."""

    slope: Fraction

    def at(self, value: Fraction) -> Fraction:
        """Return the function's value."""
        return value if value >= 0 else self.slope * value

    def reach(self, bound: Fraction, bits: int, *, inclusive: bool) -> Reach:  # noqa: ARG002
        """Divide by the slope."""
        if bound >= 0 and (self.slope or bound or not inclusive):
            return at_least(bound, inclusive=inclusive)
        return _product(self.slope, bound, inclusive=inclusive) if self.slope else ALWAYS


def _product(factor: Fraction, bound: Fraction, *, inclusive: bool) -> Cut:
    """Return where the nearest float32 to a positive factor times a number reaches a bound."""
    if bound == 0:
        return at_least(bound, inclusive=inclusive)
    return nearest_float32(bound, inclusive=inclusive).affine(factor, Fraction(0))


@dataclass(frozen=True)
class HardSigmoid(Growing):
    """alpha * x + beta between 0 and 1; alpha is positive."""

    alpha: Fraction
    beta: Fraction

    def reach(self, bound: Fraction, bits: int, *, inclusive: bool) -> Reach:  # noqa: ARG002
        """Undo the rounding of the sum, then that of the product."""
        if bound < 0 or (bound == 0 and inclusive):
            return ALWAYS
        if bound > 1 or (bound == 1 and not inclusive):
            return False
        sums = at_least(bound, inclusive=False)
        if bound:
            sums = nearest_float32(bound, inclusive=inclusive)
        product = sums.affine(Fraction(1), self.beta)
        return _product(self.alpha, product.lo, inclusive=product.inclusive)


@dataclass(frozen=True)
class ThresholdedRelu(Piecewise):
    """x above alpha, else 0; alpha is not negative."""

    alpha: Fraction

    def at(self, value: Fraction) -> Fraction:
        """Return the function's value."""
        return value if value > self.alpha else Fraction(0)

    def reach(self, bound: Fraction, bits: int, *, inclusive: bool) -> Reach:  # noqa: ARG002
        """Jump over what is between 0 and alpha."""
        if bound < 0 or (bound == 0 and inclusive):
            return ALWAYS
        return at_least(bound, inclusive=inclusive) if bound > self.alpha else above(self.alpha)


class Floor(Piecewise):
    """The largest integer of at most x."""

    def at(self, value: Fraction) -> Fraction:
        """Return the function's value."""
        return Fraction(floor(value))

    def reach(self, bound: Fraction, bits: int, *, inclusive: bool) -> Reach:  # noqa: ARG002
        """Return all from an integer on."""
        return at_least(Fraction(ceil(bound) if inclusive else floor(bound) + 1))


class Ceil(Piecewise):
    """The smallest integer of at least x."""

    def at(self, value: Fraction) -> Fraction:
        """Return the function's value."""
        return Fraction(ceil(value))

    def reach(self, bound: Fraction, bits: int, *, inclusive: bool) -> Reach:  # noqa: ARG002
        """Return all above an integer."""
        return above(Fraction(ceil(bound) if inclusive else floor(bound) + 1) - 1)


class Round(Piecewise):
    """The nearest integer, halves to the even one."""

    def at(self, value: Fraction) -> Fraction:
        """Return the function's value."""
        return Fraction(round(value))

    def reach(self, bound: Fraction, bits: int, *, inclusive: bool) -> Reach:  # noqa: ARG002
        """Return all from half an integer on, which itself is in below an even one."""
        level = ceil(bound) if inclusive else floor(bound) + 1
        return at_least(level - Fraction(1, 2), inclusive=level % 2 == 0)


class Rounded(Growing):
    """A function whose values are taken as the nearest float32."""

    def reach(self, bound: Fraction, bits: int, *, inclusive: bool) -> Reach:
        """Invert at the middle of two float32, where the rounding changes."""
        if bound == 0:
            return self.reach_zero(inclusive=inclusive)
        return self.above(nearest_float32(bound, inclusive=inclusive).lo, bits)

    def reach_zero(self, *, inclusive: bool) -> Reach:
        """Return where the function reaches 0; by default where its argument does."""
        return at_least(Fraction(0), inclusive=inclusive)

    @abstractmethod
    def above(self, value: Fraction, bits: int) -> Reach:
        """Return where the function is above a number other than 0, which it takes nowhere."""


class Tanh(Rounded):
    """The hyperbolic tangent."""

    def above(self, value: Fraction, bits: int) -> Reach:
        """Invert: log((1 + v) / (1 - v)) / 2."""
        if abs(value) >= 1:
            return value < 0
        return enclosed(value, lambda iv, v: logarithm(iv, (1 + v) / (1 - v)) / 2, bits)


class Sigmoid(Rounded):
    """1 / (1 + exp(-x))."""

    def reach_zero(self, *, inclusive: bool) -> Reach:  # noqa: ARG002
        """Return everywhere."""
        return ALWAYS

    def above(self, value: Fraction, bits: int) -> Reach:
        """Invert: log(v / (1 - v))."""
        if not 0 < value < 1:
            return value <= 0
        return enclosed(value, lambda iv, v: logarithm(iv, v / (1 - v)), bits)


class Softplus(Rounded):
    """log(1 + exp(x))."""

    def reach_zero(self, *, inclusive: bool) -> Reach:  # noqa: ARG002
        """Return everywhere."""
        return ALWAYS

    def above(self, value: Fraction, bits: int) -> Reach:
        """Invert: log(exp(v) - 1)."""
        if value <= 0:
            return ALWAYS
        return enclosed(value, lambda iv, v: logarithm(iv, iv.exp(v) - 1), bits)


class Exp(Rounded):
    """The exponential function."""

    def reach_zero(self, *, inclusive: bool) -> Reach:  # noqa: ARG002
        """Return everywhere."""
        return ALWAYS

    def above(self, value: Fraction, bits: int) -> Reach:
        """Invert: log(v)."""
        return ALWAYS if value <= 0 else enclosed(value, logarithm, bits)


class Log(Rounded):
    """The natural logarithm, of positive numbers."""

    def reach_zero(self, *, inclusive: bool) -> Reach:
        """Return what is from 1 on."""
        return at_least(Fraction(1), inclusive=inclusive)

    def above(self, value: Fraction, bits: int) -> Reach:
        """Invert: exp(v)."""
        return enclosed(value, lambda iv, v: iv.exp(v), bits)


class Sqrt(Rounded):
    """The square root, of numbers that are not negative."""

    def above(self, value: Fraction, bits: int) -> Reach:  # noqa: ARG002
        """Square."""
        return ALWAYS if value < 0 else above(value**2)


class Softsign(Rounded):
    """x / (1 + |x|)."""

    def above(self, value: Fraction, bits: int) -> Reach:  # noqa: ARG002
        """Invert: v / (1 - |v|)."""
        return value < 0 if abs(value) >= 1 else above(value / (1 - abs(value)))


class Erf(Rounded):
    """The error function."""

    def above(self, value: Fraction, bits: int) -> Reach:
        """Invert."""
        return value < 0 if abs(value) >= 1 else erf_inverse(value, bits)


@dataclass(frozen=True)
class Exponential(Rounded):
    """Elu, Celu and Selu: gain * x, or size * (exp(x / width) - 1) below 0; all are positive.

    A gain of 1 is exact.
    """

    size: Fraction
    width: Fraction = Fraction(1)
    gain: Fraction = Fraction(1)

    def reach(self, bound: Fraction, bits: int, *, inclusive: bool) -> Reach:
        """Divide by the gain from 0 on; invert the exponential below."""
        if bound >= 0 and self.gain == 1:
            return at_least(bound, inclusive=inclusive)
        if bound >= 0:
            return _product(self.gain, bound, inclusive=inclusive)
        return super().reach(bound, bits, inclusive=inclusive)

    def above(self, value: Fraction, bits: int) -> Reach:
        """Invert: width * log(1 + v / size)."""
        if value <= -self.size:
            return ALWAYS
        found = enclosed(1 + value / self.size, logarithm, bits)
        return Cut(found.lo * self.width, found.hi * self.width, found.inclusive)
