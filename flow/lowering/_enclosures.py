# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Inverses of transcendental functions between rationals, by interval arithmetic."""

from collections.abc import Callable
from fractions import Fraction
from math import ceil, floor
from typing import Any

import mpmath
from mpmath.ctx_iv import MPIntervalContext

from flow.lowering._reach import Cut, Undecided, at_least, beyond

__all__ = ["enclosed", "erf_inverse", "logarithm", "nearest_float32"]

_LEAST = 2**23  # significand of a float32 of 24 bits
Inverse = Callable[[Any, Any], Any]  # (interval context, interval) -> interval


def nearest_float32(bound: Fraction, *, inclusive: bool) -> Cut:
    """Return the numbers whose nearest float32, the even one of two, reaches the bound.

    The bound is not 0, and exponents have no limits.
    """
    size = abs(bound)
    exponent = size.numerator.bit_length() - size.denominator.bit_length()
    exponent -= Fraction(2) ** exponent > size
    grid = Fraction(2) ** exponent / _LEAST
    steps = bound / grid
    if steps == -_LEAST and not inclusive:  # the next float32 is half a step away
        return at_least(bound + grid / 4, inclusive=False)
    first = ceil(steps) if inclusive else floor(steps) + 1
    middle = first * grid - (grid / 4 if first == _LEAST else grid / 2)
    return at_least(middle, inclusive=first % 2 == 0)


def enclosed(bound: Fraction, inverse: Inverse, bits: int) -> Cut:
    """Return what is above inverse(bound), which is no rational, with so many bits."""
    context = _context(bits)
    found = inverse(context, _interval(context, bound))
    return beyond(_fraction(found.a), _fraction(found.b))


def logarithm(context: Any, value: Any) -> Any:  # noqa: ANN401 - of mpmath
    """Enclose the logarithm of a positive number; Undecided if its enclosure reaches 0."""
    if not value.a > 0:
        raise Undecided
    return context.log(value)


def _context(bits: int) -> Any:  # noqa: ANN401 - of mpmath
    context = MPIntervalContext()
    context.prec = bits
    return context


def _interval(context: Any, value: Fraction) -> Any:  # noqa: ANN401 - of mpmath
    return context.mpf(value.numerator) / context.mpf(value.denominator)


def _fraction(end: Any) -> Fraction:  # noqa: ANN401 - an interval of one point
    sign, mantissa, exponent, _ = end._mpi_[0]
    if exponent and not mantissa:  # an infinity
        raise Undecided
    size = Fraction(int(mantissa)) * Fraction(2) ** int(exponent)
    return -size if sign else size


def erf_inverse(bound: Fraction, bits: int) -> Cut:
    """Return what is above erf's inverse of a bound in -1..1 other than 0.

    The point is mpmath's; that it lies between the ends is proven by erf's series.

    Raises:
        Undecided: it could not be proven.
    """
    with mpmath.workprec(bits + 64):
        point = mpmath.erfinv(mpmath.mpf(bound.numerator) / bound.denominator)
        scaled = int(mpmath.nint(point * mpmath.mpf(2) ** bits))
    lo, hi = Fraction(scaled - 2, 2**bits), Fraction(scaled + 2, 2**bits)
    context = _context(2 * bits + 64)
    wanted = _interval(context, bound)
    if _erf(context, lo).b < wanted.a and wanted.b < _erf(context, hi).a:
        return beyond(lo, hi)
    raise Undecided


def _erf(context: Any, value: Fraction) -> Any:  # noqa: ANN401 - of mpmath
    """Enclose 2 / sqrt(pi) * sum_n (-1)^n x^(2n+1) / (n! (2n+1)), whose terms fall at last."""
    x = _interval(context, value)
    square, power, total, n = x * x, x, x, 0
    limit = Fraction(1, 2**context.prec)
    while n <= value * value or _fraction(abs(power).b) > limit:
        n += 1
        power = -power * square / n
        total += power / (2 * n + 1)
    total += power * context.mpf([-1, 1])  # what is left of an alternating series
    return 2 * total / context.sqrt(context.pi)
