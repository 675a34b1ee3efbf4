# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Packed weights, number by number, and the sums up to which they are taken."""

import numpy as np
import pytest

from flow.integer import Interval
from flow.integer.native._layout import INT32_MAX, Form, Format
from flow.integer.native._pack import (
    Packed,
    _steps_within,
    pack_alone,
    pack_bits,
    pack_bytes,
    pack_nibbles,
)
from flow.integer.native._padding import zeros


def form_of(kind: Format, low: int, high: int, *, step: int = 1, planes: int = 0) -> Form:
    return Form(kind, 1, 1, Interval(low, high), low, step, planes)


def drawn(low: int, high: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(1).integers(low, high + 1, shape)


def starts(weights: np.ndarray, bias: np.ndarray, shift: int, groups: int, lanes: int) -> list:
    """What sums begin with, and 0 up to whole panels."""
    found = bias + shift * weights.sum(axis=(0, 1))
    rows = found.reshape(groups, -1)
    most = -(-rows.shape[1] // lanes) * lanes
    return [[*row, *[0] * (most - len(row))] for row in rows.tolist()]


# --- bytes


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("signed", [False, True])
def test_bytes_lie_in_panels_of_16_outputs_and_steps_of_4_inputs(groups: int, signed: bool) -> None:
    weights, bias = drawn(-128, 127, 3, 5, 20 * groups), drawn(-900, 900, 20 * groups)
    found = pack_bytes(weights, bias, form_of(Format.U8, -7, 200), groups, signed=signed)
    expected = np.zeros((groups, 2, 4, 16, 4), dtype=np.int8)
    for group, part in enumerate(np.split(weights, groups, axis=2)):
        for row, output in np.ndindex(15, 20):
            place = group, output // 16, row // 4, output % 16, row % 4
            expected[place] = part.reshape(15, 20)[row, output]
    assert found is not None
    assert np.array_equal(found.weights, expected)
    shift = -7 + 128 * signed
    assert found.bias.tolist() == starts(weights, bias, shift, groups, 16)
    assert (found.steps, found.panels) == (4, 2)
    assert found.bias.dtype == np.int32


def ones(*values: int) -> np.ndarray:
    """Return the weights of one output."""
    return np.array(values).reshape(1, -1, 1)


NONE = np.zeros(1, dtype=np.int64)


def packed(weights: np.ndarray, high: int, low: int = 0, bias: int = 0) -> Packed | None:
    return pack_bytes(weights, NONE + bias, form_of(Format.U8, low, high), 1)


@pytest.mark.parametrize(
    ("values", "high", "steps", "short"),
    [
        ((1, 0), 32767, 1, True),
        ((1, 0), 32768, 0, False),
        ((-1, 0), 32768, 1, False),
        ((-1, 0), 32769, 0, False),
        ((0, 0, 1, 1), 16383, 1, True),
        ((0, 0, 1, 1), 16384, 0, False),
        ((1, 1, 1, 1), 8191, 1, True),
        ((1, 1, 1, 1), 8192, 1, False),
        ((1, -1, 1, -1), 8192, 1, False),  # the sums on the way to them
        ((1, 0, 0, 0) * 3, 10922, 3, True),
        ((1, 0, 0, 0) * 3, 10923, 2, False),
        ((-1, 0, 0, 0) * 3, 10923, 2, False),
        ((0, 1, -1, 0), 16383, 1, True),
        ((0, 1, -1, 0), 16384, 1, False),
    ],
)
def test_pairs_of_bytes_add_up_as_long_as_16_bits_hold_them(
    values: tuple[int, ...], high: int, steps: int, short: bool
) -> None:
    found = packed(ones(*values), high)
    assert found is not None
    assert (found.flag, found.short) == (steps, short)


@pytest.mark.parametrize(("weight", "fits"), [(127, True), (128, False), (-128, True), (-129, 0)])
def test_weights_of_bytes_are_int8(weight: int, fits: bool) -> None:
    assert (packed(ones(0, weight), 3) is not None) == fits


@pytest.mark.parametrize(("bias", "low"), [(1, 0), (-1, 0), (1, -100), (-1, 100)])
def test_sums_of_bytes_and_their_start_are_int32(bias: int, low: int) -> None:
    """The largest sum is 3 * 255; the start is the bias and low times 3."""
    largest = bias * (INT32_MAX - 3 * 255) - 3 * low
    assert packed(ones(1, 2), low + 255, low, largest) is not None
    assert packed(ones(1, 2), low + 255, low, largest + bias) is None
    assert packed(ones(-1, 2), low + 255, low, bias * (INT32_MAX - 3 * 255) - low) is not None


@pytest.mark.parametrize(("high", "widest"), [(255, 128), (300, 172), (10, 128)])
def test_signed_bytes_are_at_most_128_from_their_middle(high: int, widest: int) -> None:
    form = form_of(Format.U8, 0, high)
    room = INT32_MAX - widest - 128
    assert pack_bytes(ones(1), NONE + room, form, 1, signed=True) is not None
    assert pack_bytes(ones(1), NONE + room + 1, form, 1, signed=True) is None


def test_steps_are_counted_from_multiples_of_their_number() -> None:
    rng = np.random.default_rng(0)
    for _ in range(300):
        most = rng.integers(0, 5, (2, 1, rng.integers(1, 12), 2))
        limit = int(rng.integers(1, 16))
        cap = max(1, min(most.shape[2], limit // max(1, int(most.max())) * 4))
        fitting = [
            count
            for count in range(1, cap + 1)
            if all(
                most[:, :, at : at + count].sum(axis=2).max() <= limit
                for at in range(0, most.shape[2], count)
            )
        ]
        assert _steps_within(most, limit) == max(fitting, default=0)


# --- channels alone


@pytest.mark.parametrize("taps", [5, 6])
def test_channels_alone_lie_in_pairs_of_taps(taps: int) -> None:
    weights, bias = drawn(-(2**15), 2**15 - 1, taps, 1, 70), drawn(-9, 9, 70)
    found = pack_alone(weights, bias, form_of(Format.U8, -3, 50))
    assert found is not None
    expected = np.zeros((3, 128, 2), dtype=np.int16)
    for tap, channel in np.ndindex(taps, 70):
        expected[tap // 2, channel, tap % 2] = weights[tap, 0, channel]
    assert np.array_equal(found[0], expected)
    assert found[1].tolist() == (bias - 3 * weights.sum(axis=(0, 1))).tolist()


@pytest.mark.parametrize(
    ("weight", "fits"), [(2**15 - 1, True), (2**15, False), (-(2**15), True), (-(2**15) - 1, False)]
)
def test_weights_of_channels_alone_are_int16(weight: int, fits: bool) -> None:
    one = np.array([[[weight]]])
    assert (pack_alone(one, NONE, form_of(Format.U8, 0, 9)) is not None) == fits


def test_sums_of_channels_alone_are_int32() -> None:
    form, weights = form_of(Format.U8, 10, 265), np.array([[[2]], [[-1]]])
    room = INT32_MAX - 3 * 255 - 10
    assert pack_alone(weights, NONE + room, form) is not None
    assert pack_alone(weights, NONE + room + 1, form) is None


# --- bits


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("masked", [False, True])
def test_bits_lie_in_words_of_32_channels(groups: int, masked: bool) -> None:
    weights = drawn(-1, 1, 2, 40, 20 * groups)
    weights = weights if masked else np.where(weights == 0, 1, weights)
    bias, form = drawn(-90, 90, 20 * groups), form_of(Format.BITS, -3, 3, step=2, planes=2)
    found = pack_bits(weights, bias, form, groups)
    assert found is not None
    expected = np.zeros((groups, 2, 4, 1 + masked, 16), dtype=np.uint32)
    for group, part in enumerate(np.split(weights, groups, axis=2)):
        for tap, channel, output in np.ndindex(2, 40, 20):
            bit = np.uint32(1) << np.uint32(channel % 32)
            place = group, output // 16, tap * 2 + channel // 32
            value = part[tap, channel, output]
            expected[(*place, 0, output % 16)] |= bit * np.uint32(value < 0)
            if masked:
                expected[(*place, 1, output % 16)] |= bit * np.uint32(value != 0)
    assert np.array_equal(found.weights, expected)
    negative = bias - 2 * 3 * (weights < 0).sum(axis=(0, 1))
    assert found.bias.tolist() == starts(weights, negative, -3, groups, 16)
    assert (found.steps, found.panels, bool(found.flag)) == (4, 2, masked)


def test_sums_of_bits_are_int32() -> None:
    form = form_of(Format.BITS, 5, 11, step=2, planes=2)  # 5 + 2 * 0..3
    room = INT32_MAX - 2 * 6 - 2 * 5
    assert pack_bits(ones(1, 1), NONE + room, form, 1) is not None
    assert pack_bits(ones(1, 1), NONE + room + 1, form, 1) is None
    assert pack_bits(ones(-1, -1), NONE - (INT32_MAX - 12 - 22), form, 1) is not None
    assert pack_bits(ones(-1, -1), NONE - (INT32_MAX - 12 - 22) - 1, form, 1) is None


# --- nibbles


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize(
    ("planes", "values", "high"), [(2, [-3, -1, 0, 2], 3), (2, [-1, 5], 1), (1, [-1, 1], 1)]
)
def test_nibbles_look_up_their_products(
    groups: int, planes: int, values: list[int], high: int
) -> None:
    inputs, step = 6, 2
    together = 4 // planes
    weights = np.random.default_rng(2).choice(values, (3, inputs, 40 * groups))
    bias, form = drawn(-90, 90, 40 * groups), form_of(Format.NIBBLES, -2, 2, step=step)
    form = Form(Format.NIBBLES, 1, inputs, Interval(-2, -2 + step * high), -2, step, planes)
    found = pack_nibbles(weights, bias, form, groups)
    assert found is not None
    assert found.table is not None
    assert (found.steps, found.panels) == (3 * -(-inputs // together), 4)
    numbers = np.asarray(found.weights)
    codes = np.random.default_rng(3).integers(0, high + 1, (3, inputs))
    for group, part in enumerate(np.split(weights, groups, axis=2)):
        for output in range(40):
            total = int(found.bias[group, output])
            at = 0
            for tap in range(3):
                for channel in range(0, inputs, together):
                    own = codes[tap, channel : channel + together]
                    code = sum(int(one) << (place * planes) for place, one in enumerate(own))
                    nibble = numbers[group, output // 32, at, output % 32]
                    total += step * int(found.table[code, nibble])
                    at += 1
            exact = ((-2 + step * codes) * part[:, :, output]).sum()
            assert total == exact + bias[group * 40 + output]
    assert (found.bias[:, 40:] == 0).all()
    assert found.bias.shape == (groups, 64)
    assert (np.asarray(found.table).min(axis=0) == 0).all()


def nibbles(weights: np.ndarray, high: int = 1, bias: int = 0, *, step: int = 1) -> Packed | None:
    form = Form(Format.NIBBLES, 1, weights.shape[1], Interval(0, high * step), 0, step, 2)
    return pack_nibbles(weights, NONE + bias, form, 1)


def test_nibbles_of_two_bits_take_four_weights() -> None:
    assert nibbles(ones(1, 2, 3, 4)) is not None
    assert nibbles(ones(1, 2, 3, 4, 5, 6)) is None


@pytest.mark.parametrize(("weight", "fits"), [(42, True), (43, False)])
def test_products_of_nibbles_are_bytes(weight: int, fits: bool) -> None:
    """Of two channels and codes up to 3: 6 * 42 is 252."""
    assert (nibbles(ones(weight, weight), 3) is not None) == fits


def test_few_steps_within_a_byte_are_not_worth_while() -> None:
    """31 in each of 8 steps is 248; 9 steps of 32 are beyond, and 7 of 36 are all there are."""
    eight, nine = ones(*[31, 0] * 9), ones(*[32, 0] * 9)
    found = nibbles(eight)
    assert found is not None
    assert found.flag == 8
    assert nibbles(nine) is None
    assert nibbles(ones(*[36, 0] * 7)) is not None
    assert nibbles(ones(*[37, 0] * 7)) is None


@pytest.mark.parametrize(("last", "short"), [(31, True), (32, False)])
def test_sums_of_nibbles_that_fit_16_bits_are_short(last: int, short: bool) -> None:
    """1056 steps of 31 and one: 32736 and up to 31 are 32767."""
    found = nibbles(ones(*[31, 0] * 1056, last, 0))
    assert found is not None
    assert found.short == short


def test_sums_of_nibbles_are_16_bits_without_a_sign() -> None:
    assert nibbles(ones(*[31, 0] * 2114, 1, 0)) is not None  # 65535
    assert nibbles(ones(*[31, 0] * 2114, 2, 0)) is None


def test_sums_of_nibbles_and_their_start_are_int32() -> None:
    room = INT32_MAX - 2 * 3 * 7
    assert nibbles(ones(3, 4), 3, room, step=2) is not None
    assert nibbles(ones(3, 4), 3, room + 1, step=2) is None


# --- what lies outside of the image


def test_zeros_are_codes_of_zero_with_room_behind() -> None:
    found = zeros(Form(Format.U8, 4, 6, Interval(-3, 9), -3), 2, 5)
    assert found.tolist() == [3] * (3 * 5 + 64)
    found = zeros(Form(Format.U8, 4, 6, Interval(3, 9), 3), 1, 1)
    assert found.tolist() == [253] * (6 + 64)
    bits = zeros(Form(Format.BITS, 4, 80, Interval(-4, 2), -4, 2, 2), 2, 3)
    words = bits.view("<u4").tolist()
    assert words == [0, 2**32 - 1, 0, 2**8 - 1] * 3 + [0] * 16  # code 2: the second plane
    found = zeros(Form(Format.NIBBLES, 4, 6, Interval(-2, 1), -2, 1, 2), 2, 2)
    assert found.tolist() == [0b1010_0000, 0b0010_0000] * 2 + [0] * 64
    found = zeros(Form(Format.NIBBLES, 4, 6, Interval(-1, 0), -1, 1, 1), 1, 1)
    assert found.tolist() == [0b1111_0000, 0b0011_0000] + [0] * 64
