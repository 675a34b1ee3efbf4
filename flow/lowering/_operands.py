# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The operands of a node: data, constants, and a constant's entries for each channel."""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from onnx import NodeProto

from flow.lowering._builder import Builder
from flow.lowering._refusal import Refusal
from flow.lowering._settle import flat
from flow.lowering._values import Rationals, Value, objects
from flow.lowering.constants import Constant

__all__ = [
    "Operand",
    "Operands",
    "channel_constants",
    "constant",
    "data",
    "integers",
    "optional",
    "scalar",
]

Operand = Value | Constant | None
Operands = Sequence[Operand]


def data(operands: Operands, place: int = 0) -> Value:
    """Return the operand at a place, which must be data.

    Raises:
        Refusal: it is constant or missing.
    """
    operand = operands[place] if place < len(operands) else None
    if isinstance(operand, Value):
        return operand
    raise Refusal(
        f"its input {place} is not computed from the image", "swap its inputs", structural=True
    )


def optional(operands: Operands, place: int, meaning: str) -> Constant | None:
    """Return the constant at a place, None if the node has no such input.

    Raises:
        Refusal: it is computed from the image.
    """
    operand = operands[place] if place < len(operands) else None
    if isinstance(operand, Value):
        raise Refusal(
            f"its {meaning} is computed from the image", "freeze it to a constant", structural=True
        )
    return operand


def constant(operands: Operands, place: int, meaning: str) -> Constant:
    """Return the constant at a place.

    Raises:
        Refusal: it is missing or computed from the image.
    """
    found = optional(operands, place, meaning)
    if found is None:
        raise Refusal(f"its {meaning} is missing", "export the model again", structural=True)
    return found


def scalar(operands: Operands, place: int, meaning: str) -> Fraction:
    """Return a constant whose entries are all the same.

    Raises:
        Refusal: it is missing, computed or not one number.
    """
    found = constant(operands, place, meaning).exact().reshape(-1)
    if not found.size or (found != found[0]).any():
        raise Refusal(
            f"its {meaning} has {found.size} entries that differ",
            f"use one {meaning} for the whole tensor",
            structural=True,
        )
    single: Fraction = found[0]
    return single


def integers(found: Constant | None) -> list[int] | None:
    """Return a constant (of axes, a shape, ...) as a list of integers."""
    return None if found is None else [int(item) for item in found.values.reshape(-1)]


def channel_constants(
    builder: Builder, node: NodeProto, value: Value, constants: Sequence[Constant]
) -> tuple[Value, list[Rationals]]:
    """Return each constant's entry for every channel of the value's source.

    A vector of features may have one entry a feature: its source is flattened then.

    Raises:
        Refusal: a constant that is not the same all over a channel.
    """
    found = [_per_channel(value, item) for item in constants]
    if any(item is None for item in found) and value.index.size == value.index.shape[-1]:
        value = flat(builder, node.name, value)
        found = [_per_channel(value, item) for item in constants]
    per_channel = [item for item in found if item is not None]
    if len(per_channel) < len(found):
        shape = constants[next(i for i, item in enumerate(found) if item is None)].values.shape
        raise Refusal(
            f"a constant of shape {shape} does not fit the channels of its input "
            f"{tuple(value.index.shape)}",
            "use one entry for each channel",
        )
    return value, per_channel


def _per_channel(value: Value, item: Constant) -> Rationals | None:
    """Return the constant's entry for each channel, None where a channel has several."""
    values = item.values
    if values.size == 1:
        return objects([item.exact().reshape(-1)[0]] * value.channels)
    if values.ndim > value.index.ndim or any(
        size not in (1, whole)
        for size, whole in zip(reversed(values.shape), reversed(value.index.shape), strict=False)
    ):
        return None
    entries = np.broadcast_to(np.arange(values.size).reshape(values.shape), value.index.shape)
    places = value.order()
    if (places < 0).any():
        return None
    own = entries.reshape(-1)[places].reshape(-1, value.channels)
    flattened = values.reshape(-1)
    if (flattened[own] != flattened[own[0]]).any():
        return None
    exact = item.exact().reshape(-1)
    return objects([exact[i] for i in own[0]])
