# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Constant weights as integers, and their products with integers of several scales."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from flow.integer import Interval
from flow.integer.operations import Integers
from flow.lowering._collisions import Term, of_sums
from flow.lowering._refusal import Refusal
from flow.lowering._values import Rationals, Value, common_unit, objects, rationals, same

__all__ = ["Product", "Weights", "product"]

_LARGEST_WEIGHT = 2**46


@dataclass(frozen=True, eq=False)
class Weights:
    """Weights of a sum of products: codes * scale, and a bias.

    Attributes:
        codes: int64[KH, KW, I, O].
        scale: of a shape that broadcasts to [1, 1, I, O].
        bias: real, of each output or one for all.
    """

    codes: Integers
    scale: Rationals
    bias: Rationals | None = None


@dataclass(frozen=True, eq=False)
class Product:
    """Integer weights, and what the real sums are in terms of the integer ones.

    Attributes:
        weights: int64[KH, KW, I, O].
        unit: real value of one of each output's integer steps.
        offset: real value of each output's 0.
        factors: int64[I, O] that the codes of each input and output were multiplied with.
    """

    weights: Integers
    unit: Rationals
    offset: Rationals
    factors: Integers


def _bias(weights: Weights) -> Rationals:
    outputs = weights.codes.shape[3]
    bias = rationals([0]) if weights.bias is None else weights.bias.reshape(-1)
    if bias.size not in (1, outputs):
        raise Refusal(
            f"its bias has {bias.size} entries for {outputs} outputs",
            "export the model again",
            structural=True,
        )
    return np.broadcast_to(bias, (outputs,))


def product(weights: Weights, value: Value, interval: Interval, groups: int = 1) -> Product:
    """Combine weights with the scales and offsets of the channels that they read.

    Args:
        weights: of the layer.
        value: what they read.
        interval: the proven range of its integers.
        groups: of the channels.

    Raises:
        Refusal: shapes that do not fit, or channels whose scales have no small common unit.
    """
    codes, scale = weights.codes, weights.scale
    inputs, outputs = codes.shape[2:]
    if inputs * groups != value.channels or outputs % groups:
        raise Refusal(
            f"its weights read {inputs * groups} channels in {groups} groups, its input has "
            f"{value.channels}",
            "export the model again",
        )
    parts = []
    for group, own in enumerate(np.split(np.arange(outputs), groups)):
        channels = slice(group * inputs, (group + 1) * inputs)
        scales = scale[0, 0] if scale.shape[3] == 1 else scale[0, 0][:, own]
        steps, starts = value.scale[channels], value.offset[channels]
        parts.append(_group(codes[..., own], scales, steps, starts, interval))
    offset = np.concatenate([part.offset for part in parts])
    return Product(
        np.concatenate([part.weights for part in parts], axis=3),
        np.concatenate([part.unit for part in parts]),
        offset + _bias(weights),
        np.concatenate([part.factors for part in parts], axis=1),
    )


def _group(
    codes: Integers, scale: Rationals, steps: Rationals, starts: Rationals, interval: Interval
) -> Product:
    """Do _product for one group; scale is of [I or 1, O or 1]."""
    inputs, outputs = codes.shape[2:]
    offset = _offset(codes, scale, starts)
    if scale.shape[0] == 1 and steps[0] and same(steps):
        unit = np.broadcast_to(scale[0] * steps[0], (outputs,)).copy()
        return Product(codes, unit, offset, np.ones((inputs, outputs), dtype=np.int64))
    real = np.broadcast_to(scale, (inputs, outputs)) * steps[:, None]
    used = np.abs(codes).sum(axis=(0, 1)) > 0
    units = [common_unit([real[i, o] for i in np.flatnonzero(used[:, o])]) for o in range(outputs)]
    multiples = [[_multiple(real[i, o], units[o]) for o in range(outputs)] for i in range(inputs)]
    factors = np.where(used, np.array(multiples, dtype=object), 0)
    _refuse_wide(codes, factors, real, interval)
    whole = factors.astype(np.int64)
    return Product(codes * whole, objects(units), offset, whole)


def _refuse_wide(codes: Integers, factors: Rationals, real: Rationals, interval: Interval) -> None:
    """Refuse weights beyond the limit, with two products that would collide at it."""
    sizes = np.abs(codes).max(axis=(0, 1)) * np.abs(factors)
    if sizes.max() <= _LARGEST_WEIGHT:
        return
    coarse, output = (int(place) for place in np.unravel_index(sizes.argmax(), sizes.shape))
    column = sizes[:, output]
    fine = min(np.flatnonzero(column), key=lambda channel: column[channel])
    rows = codes.reshape(-1, *factors.shape)[:, :, output]
    terms = []
    for channel in (coarse, fine):
        code = int(rows[np.abs(rows[:, channel]).argmax(), channel])
        terms.append(Term(real[channel, output] * code, interval))
    raise Refusal(
        f"the scales of its input's channels have no common unit (a weight becomes "
        f"{sizes.max()}); with weights rounded to at most 2**{_LARGEST_WEIGHT.bit_length() - 1}, "
        f"products of channels {coarse} and {fine}: {of_sums(terms, _LARGEST_WEIGHT)}",
        "quantize its input with one scale for all channels",
    )


def _multiple(value: Fraction, unit: Fraction) -> int:
    """Return value / unit; meaningless, and not used, where it is no integer."""
    return int(value / unit)


def _offset(codes: Integers, scale: Rationals, starts: Rationals) -> Rationals:
    """Return each output's sum over its weights times the offset of the input."""
    outputs = codes.shape[3]
    if not any(starts):
        return rationals(np.zeros(outputs, dtype=np.int64))
    sums = codes.sum(axis=(0, 1))
    if scale.shape[0] == 1:
        by_start: Sequence[Fraction] = list(dict.fromkeys(starts))
        rows = [sums[[s == start for s in starts]].sum(axis=0) for start in by_start]
        total = sum(rationals(row) * start for row, start in zip(rows, by_start, strict=True))
        return np.asarray(total * scale[0], dtype=object)
    total = (rationals(sums) * np.broadcast_to(scale, sums.shape) * starts[:, None]).sum(axis=0)
    return np.asarray(total, dtype=object)
