# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Logits of several scales and offsets as integers of one unit: exact, or with a stated bound."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from flow.lowering._values import common_unit

__all__ = ["Units", "choose_units"]

_FINEST = 8  # bits of a step that class offsets may take
_LARGEST_FACTOR = 2**8  # of one class's logits, where it is exact
_WIDEST = 16  # bits of a factor that is rounded
_SMALL = Fraction(1, 16)  # of the finest step of a class: an error that need not be smaller
_INT32 = 2**31
_FAR = 2**20  # steps: offsets beyond are counted from that of the first class
_FLOAT32 = Fraction(1, 2**23)  # what the source's constants are rounded to


@dataclass(frozen=True, kw_only=True)
class Units:
    """A class's value is unit * (multiple * x + bias) + base, up to error units.

    Attributes:
        unit: real value of one integer step of the logits.
        multiples, biases: of each class.
        base: real, the same for every class.
        error: of the worst class at the worst integers, in units.
        note: what is rounded; empty where nothing is.
    """

    unit: Fraction
    multiples: tuple[int, ...]
    biases: tuple[int, ...]
    base: Fraction
    error: Fraction = Fraction(0)
    note: str = ""


def choose_units(
    scales: Sequence[Fraction],
    offsets: Sequence[Fraction],
    magnitude: int,
    base: Fraction | None = None,
) -> Units:
    """Return integers for scales[c] * x + offsets[c].

    Args:
        scales: of each class.
        offsets: of each class.
        magnitude: the largest |x|.
        base: what offsets are counted from; None for the best one.
    """
    unit = common_unit(scales)
    multiples = [int(scale / unit) for scale in scales]
    largest = max(map(abs, multiples))
    if largest > _LARGEST_FACTOR:
        return _rounded_scales(scales, offsets, magnitude, base)
    limit = _INT32 // max(largest * magnitude, 1)
    steps = _steps([item / unit for item in offsets], limit, None if base is None else base / unit)
    factor = 2**steps.bits
    note = (
        f"the offsets of the classes are rounded to 1/{factor} of a step of the logits, by at most "
        f"{float(steps.error):.3g} of a step; a label can change only where two logits are closer "
        "than twice that"
    )
    return Units(
        unit=unit / factor,
        multiples=tuple(multiple * factor for multiple in multiples),
        biases=tuple(round((item / unit - steps.base) * factor) for item in offsets),
        base=steps.base * unit,
        error=steps.error * factor,
        note=note if steps.error else "",
    )


@dataclass(frozen=True)
class _Steps:
    """A value in units is multiple * x + bias / 2**bits + base, up to the error of a bias."""

    bits: int
    base: Fraction
    error: Fraction


def _steps(offsets: list[Fraction], limit: int, fixed: Fraction | None) -> _Steps:
    """Choose how finely the offsets are held: as they are if 8 bits of a step can do it."""
    first = offsets[0]
    if all(offset == first for offset in offsets) and fixed in (None, first):
        return _Steps(0, first, Fraction(0))
    finest = max(bits for bits in range(_FINEST + 1) if 2**bits <= max(limit // 2, 1))
    allowed = [abs(offset) * _FLOAT32 for offset in offsets]
    bases = (Fraction(0), first) if max(map(abs, offsets)) < _FAR else (first,)
    for base in bases if fixed is None else (fixed,):
        for bits in range(finest + 1):
            errors = _errors(offsets, base, bits)
            if all(error <= size for error, size in zip(errors, allowed, strict=True)):
                return _Steps(bits, base, max(errors))
    base = Fraction(round(sum(offsets) / len(offsets))) if fixed is None else fixed
    return _Steps(finest, base, max(_errors(offsets, base, finest)))


def _errors(offsets: list[Fraction], base: Fraction, bits: int) -> list[Fraction]:
    scaled = [(offset - base) * 2**bits for offset in offsets]
    return [abs(item - round(item)) / 2**bits for item in scaled]


def _rounded_scales(
    scales: Sequence[Fraction],
    offsets: Sequence[Fraction],
    magnitude: int,
    base: Fraction | None,
) -> Units:
    """Return the coarsest unit whose rounding is small, the best one if none is."""
    finest = min(abs(scale) for scale in scales if scale)
    if base is None:
        base = Fraction(round(sum(offsets) / len(offsets) / finest)) * finest
    candidates = (
        _of_unit(unit, scales, [item - base for item in offsets], magnitude)
        for unit in _units(scales, magnitude)
    )
    found: list[tuple[Fraction, Fraction]] = []
    for unit, error in candidates:
        found.append((unit * error, unit))
        if unit * error <= finest * _SMALL:
            break
    bound, unit = min(found)
    note = (
        f"the scales of the classes ({len(set(scales))} without a common unit) are rounded to "
        f"multiples of {float(unit):.6g}: a logit is off by at most {float(bound):.3g}, "
        f"{float(bound / finest):.3g} of the finest step of a class; a label can change only where "
        "two logits are closer than twice that"
    )
    return Units(
        unit=unit,
        multiples=tuple(round(scale / unit) for scale in scales),
        biases=tuple(round((item - base) / unit) for item in offsets),
        base=base,
        error=bound / unit,
        note=note,
    )


def _units(scales: Sequence[Fraction], magnitude: int) -> list[Fraction]:
    """Return for each width of a factor the unit that fits the scales best."""
    largest = max(map(abs, scales))
    ratios = np.array([float(scale / largest) for scale in scales])
    units: list[Fraction] = []
    for bits in range(2, _WIDEST + 1):
        if 2**bits * magnitude >= _INT32 // 2 and units:
            break
        sizes = np.arange(2 ** (bits - 1), 2**bits)
        products = sizes[:, None] * ratios
        errors = np.abs(products - np.rint(products)).max(axis=1) / sizes
        units.append(largest / int(sizes[errors.argmin()]))
    return units


def _of_unit(
    unit: Fraction, scales: Sequence[Fraction], offsets: Sequence[Fraction], magnitude: int
) -> tuple[Fraction, Fraction]:
    """Return the unit and the error of the worst class, in units."""
    errors = [
        abs(scale / unit - round(scale / unit)) * magnitude + abs(item - round(item))
        for scale, item in zip(scales, (offset / unit for offset in offsets), strict=True)
    ]
    return unit, max(errors)
