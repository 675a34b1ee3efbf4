# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Images side by side or one below the other: their integers must be worth the same."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from flow.integer import Bias, Concat
from flow.integer.operations import Integers
from flow.lowering._builder import Builder
from flow.lowering._collisions import Term, of_places
from flow.lowering._refusal import Refusal
from flow.lowering._settle import plain
from flow.lowering._values import Rationals, Value, common_unit, image_index, objects

__all__ = ["joined_places"]

_LARGEST_FACTOR = 2**27


def joined_places(builder: Builder, name: str, images: Sequence[Value], axis: int) -> Value:
    """Join NCHW images along height (axis 0) or width (1), channel by channel in one unit.

    Raises:
        Refusal: shapes that do not fit, or scales without a small common unit.
    """
    values = [plain(builder, name, image) for image in images]
    counts = {value.channels for value in values}
    if len(counts) != 1:
        raise Refusal(
            f"its inputs have {', '.join(map(str, sorted(counts)))} channels",
            "join images of as many channels",
            structural=True,
        )
    if not all(value.known for value in values):
        values = [replace(values[0], known=False, source=v.source, shape=v.shape) for v in values]
    units = _units(values)
    _refuse_wide(builder, values, units)
    sources = [_in_units(builder, name, value, units, values[0].offset) for value in values]
    source = builder.emit(Concat(name=name, inputs=tuple(sources), axis=axis))
    shape = builder.shapes[source]
    known = all(value.known for value in values)
    return Value.plain(source, shape, image_index(shape), units, values[0].offset, known=known)


def _units(values: Sequence[Value]) -> Rationals:
    """Return each channel's largest unit of which all scales and differences are multiples."""
    first = values[0]
    rows = [[*value.scale] for value in values]
    rows += [[*(value.offset - first.offset)] for value in values[1:]]
    return objects([common_unit(column) for column in zip(*rows, strict=True)])


def _in_units(builder: Builder, name: str, value: Value, units: Rationals, base: Rationals) -> str:
    """Return a source whose integers are worth the units, from the base on."""
    factors = _whole(value.scale / units)
    shifts = _whole((value.offset - base) / units)
    source = value.source
    if (factors != 1).any():
        source = builder.channelwise(f"{name}_factor", value, factors)
    if shifts.any():
        source = builder.emit(Bias(name=f"{name}_shift", inputs=(source,), values=shifts))
    return source


def _refuse_wide(builder: Builder, values: Sequence[Value], units: Rationals) -> None:
    """Refuse factors beyond the limit, with the values that would collide at it."""
    base = values[0].offset
    rows = [row for v in values for row in (v.scale / units, (v.offset - base) / units)]
    sizes = np.abs(np.array(rows, dtype=object)).max(axis=0)
    channel = int(sizes.argmax())
    if sizes[channel] <= _LARGEST_FACTOR:
        return
    terms = [Term(v.scale[channel], builder.interval(v), v.offset[channel]) for v in values]
    raise Refusal(
        f"its inputs have no common scale: a step of one is {float(sizes[channel]):g} times their "
        f"largest common unit in channel {channel}; with factors rounded to at most "
        f"2**{_LARGEST_FACTOR.bit_length() - 1}, {of_places(terms, _LARGEST_FACTOR)}",
        "quantize all its inputs with one shared quantizer",
    )


def _whole(multiples: Rationals) -> Integers:
    return np.array([int(item) for item in multiples], dtype=np.int64)
