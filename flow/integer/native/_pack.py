# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Weights in the order in which the kernels read them: panels of 16 outputs."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flow.integer.native._layout import INT32_MAX, Form
from flow.integer.operations import Integers

__all__ = ["Packed", "pack_alone", "pack_bits", "pack_bytes", "pack_nibbles", "split_groups"]

_LANES = 16
_PADDING = 64  # channels, as in src/plan.hpp
_WORD = 32
_PAIR = 2 * _LANES  # outputs of a panel of nibbles
_FEW_STEPS = 8  # that must sum up within a byte, for look-ups to be worth while


@dataclass(frozen=True)
class Packed:
    """Weights and biases of all groups, one after the other.

    Attributes:
        weights: bytes [panel][step][output][4], words [panel][step][sign, then mask][output] or
            nibbles [panel of 32][step][output].
        bias: int32 of every padded output; what the sums begin with.
        flag: bytes: steps whose pairs of products sum up within int16; bits: some weights are 0;
            nibbles: steps that sum up within a byte.
        table: of nibbles, uint8[16, 16].
        short: whether the sums without the bias, and all on the way to them, are below 32768.
    """

    weights: NDArray[np.int8] | NDArray[np.uint32] | NDArray[np.uint8]
    bias: NDArray[np.int32]
    steps: int
    panels: int
    flag: int
    table: NDArray[np.uint8] | None = None
    short: bool = False


def split_groups(weights: Integers, groups: int) -> list[Integers]:
    """Split int64[taps, I / groups, O] into int64[taps, I / groups, O / groups]."""
    return np.split(weights, groups, axis=2)


def pack_bytes(
    weights: Integers, bias: Integers, form: Form, groups: int, *, signed: bool = False
) -> Packed | None:
    """Pack int64[taps, I / groups, O] for bytes of `form`; None if int8 or int32 do not hold it.

    Kernels of signed products take 128 from every byte.
    """
    if not _within(weights, np.int8):
        return None
    taken = 128 if signed else 0
    start = bias + (form.low + taken) * weights.sum(axis=(0, 1))
    widest = max(form.values.hi - form.low - taken, taken)
    if not _bounded(np.abs(weights).sum(axis=(0, 1)) * widest, start):
        return None
    parts = [_panels_of_bytes(part) for part in split_groups(weights, groups)]
    ordered = np.stack(parts).astype(np.int64) * widest  # groups, panels, steps, outputs, 4
    pairs = ordered.reshape(*ordered.shape[:4], 2, 2)
    limits = np.iinfo(np.int16)
    sums = int(np.abs(ordered).sum(axis=(2, 4)).max(initial=0))
    return Packed(
        weights=np.stack(parts),
        bias=_padded_bias(start, groups),
        steps=parts[0].shape[1],
        panels=parts[0].shape[0],
        flag=min(
            _steps_within(np.maximum(pairs, 0).sum(axis=-1), limits.max),
            _steps_within(-np.minimum(pairs, 0).sum(axis=-1), -limits.min),
        ),
        short=sums <= limits.max,
    )


def pack_alone(
    weights: Integers, bias: Integers, form: Form
) -> tuple[NDArray[np.int16], NDArray[np.int32]] | None:
    """Pack int64[taps, 1, C] of channels alone; None if int16 or int32 do not hold it.

    Returns int16[pairs of taps, padded C, 2] and int32[C], what the sums of bytes begin with: a
    value is form.low and its byte, and so is the zero outside of the image.
    """
    taps, _, channels = weights.shape
    start = bias + form.low * weights.sum(axis=(0, 1))
    most = np.abs(weights).sum(axis=(0, 1)) * (form.values.hi - form.low)
    if not _within(weights, np.int16) or not _bounded(most, start):
        return None
    whole = np.zeros((-(-taps // 2) * 2, -(-channels // _PADDING) * _PADDING), dtype=np.int16)
    whole[:taps, :channels] = weights[:, 0]
    pairs = whole.reshape(-1, 2, whole.shape[1]).transpose(0, 2, 1)
    return np.ascontiguousarray(pairs), start.astype(np.int32)


def _steps_within(most: Integers, limit: int) -> int:
    """Return the largest n for which any n steps from a multiple of n on sum up to the limit.

    Args:
        most: at least 0, of every step along axis 2.
        limit: of a sum; 0 comes back where a single step may pass it.
    """
    steps = most.shape[2]
    total = np.concatenate([np.zeros_like(most[:, :, :1]), most.cumsum(axis=2)], axis=2)
    for count in range(max(1, min(steps, int(limit // max(1, most.max(initial=0))) * 4)), 0, -1):
        starts = np.arange(0, steps, count)
        ends = np.minimum(starts + count, steps)
        if int((total[:, :, ends] - total[:, :, starts]).max(initial=0)) <= limit:
            return count
    return 0


def _panels_of_bytes(weights: Integers) -> NDArray[np.int8]:
    """Return int8[panels, steps, 16, 4] of int64[taps, I, O]."""
    matrix = weights.reshape(-1, weights.shape[2])
    steps, panels = -(-matrix.shape[0] // 4), -(-matrix.shape[1] // _LANES)
    whole = np.zeros((steps * 4, panels * _LANES), dtype=np.int8)
    whole[: matrix.shape[0], : matrix.shape[1]] = matrix
    ordered = whole.reshape(steps, 4, panels, _LANES).transpose(2, 0, 3, 1)
    return np.ascontiguousarray(ordered)


def pack_bits(weights: Integers, bias: Integers, form: Form, groups: int) -> Packed | None:
    """Pack int64[taps, I / groups, O] in -1..1 for planes of `form`; None if int32 is too narrow.

    A plane's sum of products is #{(bit ^ sign) & mask} less the number of negative weights.
    """
    most = form.step * (2**form.planes - 1)
    start = bias + form.low * weights.sum(axis=(0, 1)) - most * (weights < 0).sum(axis=(0, 1))
    if not _bounded(np.abs(weights).sum(axis=(0, 1)) * most, start):
        return None
    masked = bool((weights == 0).any())
    parts = [_panels_of_words(part, masked) for part in split_groups(weights, groups)]
    return Packed(
        weights=np.stack(parts),
        bias=_padded_bias(start, groups),
        steps=parts[0].shape[1],
        panels=parts[0].shape[0],
        flag=masked,
    )


def _panels_of_words(weights: Integers, masked: bool) -> NDArray[np.uint32]:
    """Return uint32[panels, steps, 1 or 2, 16] of int64[taps, I, O]; channels fill whole words."""
    kinds = [weights < 0, weights != 0] if masked else [weights < 0]
    words = np.stack([_words(kind) for kind in kinds])  # kinds, steps, O
    panels = -(-words.shape[2] // _LANES)
    whole = np.zeros((*words.shape[:2], panels * _LANES), dtype=np.uint32)
    whole[:, :, : words.shape[2]] = words
    split = whole.reshape(len(kinds), words.shape[1], panels, _LANES)
    return np.ascontiguousarray(split.transpose(2, 1, 0, 3))


def pack_nibbles(weights: Integers, bias: Integers, form: Form, groups: int) -> Packed | None:
    """Pack int64[taps, I / groups, O] of few distinct values for nibbles of `form`.

    The table's rows are nibbles of codes, its columns nibbles of weights: an entry is the sum of
    their products less the least that these weights give with any codes, which goes to the bias.
    None where the sums are too large for bytes, 16 bits or int32.
    """
    values, largest = np.unique(weights), (form.values.hi - form.low) // form.step
    if len(values) > 2**form.planes:
        return None
    table, least = _products_of_nibbles(values, form, largest)
    parts = [_nibbles(part, values, form.together) for part in split_groups(weights, groups)]
    numbers = np.stack(parts)  # groups, steps, O
    most = table.max(axis=0)[numbers]
    total, flag = int(most.sum(axis=1).max(initial=0)), _steps_within(most[:, None], 255)
    start = bias + form.low * weights.sum(axis=(0, 1))
    start = start + form.step * least[numbers].sum(axis=1).reshape(-1)
    bounded = _bounded(np.full(start.shape, total * form.step), start)
    if (
        table.max() > 255
        or flag < min(_FEW_STEPS, numbers.shape[1])
        or total > 65535
        or not bounded
    ):
        return None
    panels = [_panels_of_nibbles(part) for part in numbers]
    return Packed(
        weights=np.stack(panels),
        bias=_padded_bias(start, groups, _PAIR),
        steps=numbers.shape[1],
        panels=2 * panels[0].shape[0],
        flag=flag,
        table=table.astype(np.uint8),
        short=total <= np.iinfo(np.int16).max,
    )


def _products_of_nibbles(values: Integers, form: Form, largest: int) -> tuple[Integers, Integers]:
    """Return the table int64[16, 16] and what was taken from its columns, int64[16]."""
    places = np.arange(form.together) * form.planes
    fields = (np.arange(16)[:, None] >> places) & (2**form.planes - 1)  # 16, together
    known = np.append(values, np.zeros(2**form.planes - len(values), dtype=np.int64))[fields]
    least = largest * np.minimum(known, 0).sum(axis=1)
    return np.minimum(fields, largest) @ known.T - least, least


def _nibbles(weights: Integers, values: Integers, together: int) -> Integers:
    """Return the numbers of nibbles int64[taps * nibbles of I, O] of int64[taps, I, O].

    Where channels do not fill a nibble, the codes beside them are 0.
    """
    taps, inputs, outputs = weights.shape
    whole = np.zeros((taps, -(-inputs // together) * together, outputs), dtype=np.int64)
    whole[:, :inputs] = np.searchsorted(values, weights)
    split = whole.reshape(-1, together, outputs)
    places = np.arange(together) * (4 // together)
    numbers: Integers = (split << places[:, None]).sum(axis=1)
    return numbers


def _panels_of_nibbles(numbers: Integers) -> NDArray[np.uint8]:
    """Return uint8[panels, steps, 32] of int64[steps, O]."""
    steps, outputs = numbers.shape
    whole = np.zeros((steps, -(-outputs // _PAIR) * _PAIR), dtype=np.uint8)
    whole[:, :outputs] = numbers
    return np.ascontiguousarray(whole.reshape(steps, -1, _PAIR).transpose(1, 0, 2))


def _words(bits: NDArray[np.bool_]) -> NDArray[np.uint32]:
    """Return uint32[taps * words, O] of bool[taps, I, O], the lowest channel in the lowest bit."""
    taps, inputs, outputs = bits.shape
    whole = np.zeros((taps, -(-inputs // _WORD) * _WORD, outputs), dtype=np.uint8)
    whole[:, :inputs] = bits
    octets = np.packbits(whole.reshape(-1, outputs).T, axis=1, bitorder="little")
    return np.ascontiguousarray(octets).view("<u4").T.astype(np.uint32)


def _padded_bias(start: Integers, groups: int, lanes: int = _LANES) -> NDArray[np.int32]:
    parts = start.reshape(groups, -1)
    whole = np.zeros((groups, -(-parts.shape[1] // lanes) * lanes), dtype=np.int32)
    whole[:, : parts.shape[1]] = parts
    return whole


def _within(values: Integers, kind: type[np.int8 | np.int16]) -> bool:
    limits = np.iinfo(kind)
    return int(values.min(initial=0)) >= limits.min and int(values.max(initial=0)) <= limits.max


def _bounded(sums: Integers, start: Integers) -> bool:
    return int((sums + np.abs(start)).max(initial=0)) <= INT32_MAX
