# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Weights in the order in which the kernels read them: panels of 16 outputs."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flow.integer.native._layout import INT32_MAX, Form
from flow.integer.operations import Integers

__all__ = ["Packed", "pack_bits", "pack_bytes", "split_groups"]

_LANES = 16
_WORD = 32


@dataclass(frozen=True)
class Packed:
    """Weights and biases of all groups, one after the other.

    Attributes:
        weights: bytes [panel][step][output][4] or words [panel][step][sign, then mask][output].
        bias: int32 of every padded output; what the sums begin with.
        flag: bytes: a pair of products may pass int16; bits: some weights are 0.
    """

    weights: NDArray[np.int8] | NDArray[np.uint32]
    bias: NDArray[np.int32]
    steps: int
    panels: int
    flag: bool


def split_groups(weights: Integers, groups: int) -> list[Integers]:
    """Split int64[taps, I / groups, O] into int64[taps, I / groups, O / groups]."""
    return np.split(weights, groups, axis=2)


def pack_bytes(weights: Integers, bias: Integers, form: Form, groups: int) -> Packed | None:
    """Pack int64[taps, I / groups, O] for bytes of `form`; None if int8 or int32 do not hold it."""
    if not _within(weights, np.int8):
        return None
    start = bias + form.low * weights.sum(axis=(0, 1))
    widest = form.values.hi - form.low
    if not _bounded(np.abs(weights).sum(axis=(0, 1)) * widest, start):
        return None
    parts = [_panels_of_bytes(part) for part in split_groups(weights, groups)]
    pairs = np.concatenate([part.reshape(-1, 2).astype(np.int64) for part in parts])
    most = int(np.maximum(pairs, 0).sum(axis=1).max(initial=0)) * widest
    least = int(np.minimum(pairs, 0).sum(axis=1).min(initial=0)) * widest
    return Packed(
        weights=np.stack(parts),
        bias=_padded_bias(start, groups),
        steps=parts[0].shape[1],
        panels=parts[0].shape[0],
        flag=most > np.iinfo(np.int16).max or least < np.iinfo(np.int16).min,
    )


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


def _words(bits: NDArray[np.bool_]) -> NDArray[np.uint32]:
    """Return uint32[taps * words, O] of bool[taps, I, O], the lowest channel in the lowest bit."""
    taps, inputs, outputs = bits.shape
    whole = np.zeros((taps, -(-inputs // _WORD) * _WORD, outputs), dtype=np.uint8)
    whole[:, :inputs] = bits
    octets = np.packbits(whole.reshape(-1, outputs).T, axis=1, bitorder="little")
    return np.ascontiguousarray(octets).view("<u4").T.astype(np.uint32)


def _padded_bias(start: Integers, groups: int) -> NDArray[np.int32]:
    parts = start.reshape(groups, -1)
    panels = -(-parts.shape[1] // _LANES)
    whole = np.zeros((groups, panels * _LANES), dtype=np.int32)
    whole[:, : parts.shape[1]] = parts
    return whole


def _within(values: Integers, kind: type[np.int8]) -> bool:
    limits = np.iinfo(kind)
    return int(values.min(initial=0)) >= limits.min and int(values.max(initial=0)) <= limits.max


def _bounded(sums: Integers, start: Integers) -> bool:
    return int((sums + np.abs(start)).max(initial=0)) <= INT32_MAX
