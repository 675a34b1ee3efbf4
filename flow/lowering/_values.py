# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What a tensor of the source graph is in terms of the integers: exact rationals, and an order.

A tensor's element e is clamp(scale[c] * x[i] + offset[c], lo[c], hi[c]), where x is the output of
an integer operation, i = index[e] and c = i modulo the channels. Constant factors, additions and
clamps change the rationals alone; transposing and reshaping change the index alone. Behind a
growing function, such as a Tanh, x stands for the function's value, and a Curve says of what.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import gcd, lcm
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flow.integer import Interval
from flow.integer.operations import Padding, Shape
from flow.lowering._growing import Growing
from flow.lowering._refusal import Refusal

__all__ = [
    "INFINITY",
    "NO_PADDING",
    "Curve",
    "Rationals",
    "Value",
    "common_unit",
    "image_index",
    "objects",
    "rationals",
    "same",
]

Rationals = NDArray[np.object_]  # of Fraction; bounds may be float infinities
_PARTS = ("scale", "offset", "lo", "hi")
INFINITY = float("inf")
NO_PADDING: Padding = (0, 0, 0, 0)


def rationals(values: Sequence[Any] | NDArray[Any]) -> Rationals:
    """Return exact fractions of floats or integers, in an array of the same shape.

    Raises:
        Refusal: a value is infinite or not a number.
    """
    array = np.asarray(values)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise Refusal("a constant is not finite", "train or export it again", structural=True)
    result = np.empty(array.shape, dtype=object)
    result.reshape(-1)[:] = [Fraction(item) for item in array.reshape(-1).tolist()]
    return result


def same(values: Rationals) -> bool:
    """Whether all are equal."""
    first = values.flat[0]
    return all(item == first for item in values.flat)


def common_unit(values: Sequence[Fraction]) -> Fraction:
    """Return the largest positive unit of which all values are integer multiples; 1 for zeros."""
    nonzero = [value for value in values if value]
    if not nonzero:
        return Fraction(1)
    denominator = lcm(*(value.denominator for value in nonzero))
    numerators = (value.numerator * (denominator // value.denominator) for value in nonzero)
    return Fraction(gcd(*numerators), denominator)


def image_index(shape: Shape, padding: Padding = NO_PADDING) -> NDArray[np.int64]:
    """Return the index of an NCHW tensor int64[1, C, H, W] of a channels-last image (H, W, C)."""
    index = np.arange(int(np.prod(shape))).reshape(shape).transpose(2, 0, 1)[None]
    top, left, bottom, right = padding
    around = ((0, 0), (0, 0), (top, bottom), (left, right))
    return np.pad(index, around, constant_values=-1) if any(padding) else index


@dataclass(frozen=True, eq=False)
class Curve:
    """A function, of each channel, of clamp(scale * x + offset, lo, hi)."""

    functions: tuple[Growing, ...]
    scale: Rationals
    offset: Rationals
    lo: Rationals
    hi: Rationals


@dataclass(frozen=True, eq=False)
class Value:
    """A tensor on a data edge; see the module.

    Attributes:
        source: name of the integer operation.
        shape: of the source's output, (H, W, C) or (C,).
        index: of the tensor's shape: each element's place in the source, -1 for padded zeros.
        scale, offset, lo, hi: of each of the C channels.
        padding: zeros around the source's image that the tensor has and the source has not.
        known: False behind a node that was refused, where only the shape is right.
        curves: the functions between the source and scale, the innermost first.
    """

    source: str
    shape: Shape
    index: NDArray[np.int64]
    scale: Rationals
    offset: Rationals
    lo: Rationals
    hi: Rationals
    padding: Padding = NO_PADDING
    known: bool = True
    curves: tuple[Curve, ...] = ()

    @classmethod
    def plain(
        cls,
        source: str,
        shape: Shape,
        index: NDArray[np.int64],
        scale: Rationals,
        offset: Rationals | None = None,
        *,
        known: bool = True,
    ) -> "Value":
        """Return scale * x + offset without clamps; offset is 0 by default."""
        count = shape[-1]
        zeros = rationals(np.zeros(count, dtype=np.int64))
        lowest = np.full(count, -INFINITY, dtype=object)
        highest = np.full(count, INFINITY, dtype=object)
        shift = zeros if offset is None else offset
        return cls(source, shape, index, scale, shift, lowest, highest, known=known)

    @property
    def channels(self) -> int:
        """Number of channels of the source."""
        return self.shape[-1]

    def affine(self, factor: Rationals, shift: Rationals) -> "Value":
        """Return factor * value + shift, channel by channel."""
        ends = [
            (-INFINITY, INFINITY) if not f else sorted((low * f + s, high * f + s))
            for low, high, f, s in zip(self.lo, self.hi, factor, shift, strict=True)
        ]
        lo, hi = (objects([end[i] for end in ends]) for i in (0, 1))
        settled = self.constants_clamped()
        scale, offset = settled.scale * factor, settled.offset * factor + shift
        return replace(self, scale=scale, offset=offset, lo=lo, hi=hi)

    def clamped(self, lowest: Rationals, highest: Rationals) -> "Value":
        """Return the value clamped to lowest..highest, channel by channel."""
        ends = list(zip(lowest, highest, strict=True))
        lo = [min(max(old, low), high) for old, (low, high) in zip(self.lo, ends, strict=True)]
        hi = [min(max(old, low), high) for old, (low, high) in zip(self.hi, ends, strict=True)]
        return replace(self, lo=objects(lo), hi=objects(hi))

    def bent(self, functions: Sequence[Growing]) -> "Value":
        """Return the value of a function of each channel."""
        inner = Curve(tuple(functions), self.scale, self.offset, self.lo, self.hi)
        count = self.channels
        scale = rationals(np.ones(count, dtype=np.int64))
        plain = Value.plain(self.source, self.shape, self.index, scale, known=self.known)
        return replace(plain, padding=self.padding, curves=(*self.curves, inner))

    def picked(self, pick: Callable[[Rationals], Rationals], **changes: Any) -> "Value":  # noqa: ANN401 - as of replace
        """Return the value with other channels: pick chooses from an array of one entry each."""
        parts: dict[str, Any] = {name: pick(getattr(self, name)) for name in _PARTS}
        curves = tuple(
            Curve(
                tuple(pick(objects(curve.functions))),
                **{name: pick(getattr(curve, name)) for name in _PARTS},
            )
            for curve in self.curves
        )
        return replace(self, **parts, curves=curves, **changes)

    def rows(self) -> Iterator[Rationals]:
        """Yield everything that has an entry for each channel."""
        for held in (self, *self.curves):
            yield from (getattr(held, name) for name in _PARTS)
        yield from (objects(curve.functions) for curve in self.curves)

    def of_multiple(self, factor: Rationals) -> "Value":
        """Return the same value of a source that was divided by a factor of each channel."""
        if not self.curves:
            return replace(self, scale=self.scale * factor)
        first, *rest = self.curves
        return replace(self, curves=(replace(first, scale=first.scale * factor), *rest))

    def falling(self) -> list[bool]:
        """Whether each channel falls where its integers grow."""
        scales = [self.scale, *(curve.scale for curve in self.curves)]
        return [sum(a < 0 for a in channel) % 2 == 1 for channel in zip(*scales, strict=True)]

    def constants_clamped(self) -> "Value":
        """Apply the clamps of channels whose scale is 0 to their offset."""
        if all(self.scale):
            return self
        offset = [
            o if a else min(max(o, low), high)
            for a, o, low, high in zip(self.scale, self.offset, self.lo, self.hi, strict=True)
        ]
        return replace(self, offset=objects(offset))

    def ends(self, interval: Interval) -> tuple[Rationals, Rationals]:
        """Return the lowest and the highest value of each channel before the clamps."""
        first = self.scale * Fraction(interval.lo) + self.offset
        last = self.scale * Fraction(interval.hi) + self.offset
        return np.minimum(first, last), np.maximum(first, last)

    def without_idle_clamps(self, interval: Interval) -> "Value":
        """Drop the clamps that no source integer reaches; what is always cut is a constant."""
        value = self.constants_clamped()
        if value.curves:
            return value
        lowest, highest = value.ends(interval)
        cut = [
            (low if last <= low else high if first >= high else None) if a else None
            for low, high, first, last, a in _zip(value.lo, value.hi, lowest, highest, value.scale)
        ]
        scale = [a if c is None else Fraction(0) for a, c in zip(value.scale, cut, strict=True)]
        offset = [b if c is None else c for b, c in zip(value.offset, cut, strict=True)]
        lo = [c if c > v and a else -INFINITY for c, v, a in _zip(value.lo, lowest, scale)]
        hi = [c if c < v and a else INFINITY for c, v, a in _zip(value.hi, highest, scale)]
        return replace(
            value, scale=objects(scale), offset=objects(offset), lo=objects(lo), hi=objects(hi)
        )

    @property
    def clamps(self) -> bool:
        """Whether any channel has a bound."""
        return any(v != -INFINITY for v in self.lo) or any(v != INFINITY for v in self.hi)

    def is_image(self) -> bool:
        """Whether the tensor is NCHW and in order."""
        if len(self.shape) != 3 or self.index.ndim != 4:
            return False
        return np.array_equal(self.index, image_index(self.shape, self.padding))

    def order(self) -> NDArray[np.int64]:
        """Return the tensor's elements by their place in the source, flat; padding is left out."""
        flat = self.index.reshape(-1)
        places = np.full(int(np.prod(self.shape)), -1, dtype=np.int64)
        real = flat >= 0
        places[flat[real]] = np.flatnonzero(real)
        return places


def objects(items: Sequence[Any]) -> Rationals:
    """Return an array of what need not be numbers of numpy."""
    result = np.empty(len(items), dtype=object)
    result[:] = items
    return result


def _zip(*arrays: Any) -> Any:  # noqa: ANN401 - of fractions
    return zip(*arrays, strict=True)
