# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The engine's memory by hand: forms, tiles, buffers and traces."""

from typing import Any

import numpy as np
import pytest
from short_chains import chain, levels

from flow.integer import (
    Add,
    Convolution,
    Dense,
    Flatten,
    IntegerNetwork,
    Interval,
    MaxPool,
    SumPool,
)
from flow.integer.native import Kernels, Kind
from flow.integer.native._bind import bind
from flow.integer.native._layout import INT32_MAX, Form, Format, fits_int32
from flow.integer.native._plan import make_plan
from flow.integer.native._planned import Plan
from flow.integer.native._trace import Traces, Window

PLAIN = Kernels(planes=0, tables=False)
BITS = Kernels(planes=2, tables=False)
TABLES = Kernels(planes=0, tables=True)


def form(kind: Format, pixels: int, channels: int, planes: int = 0) -> Form:
    return Form(kind, pixels, channels, Interval(0, 1), planes=planes)


def dense(name: str, inputs: int, outputs: int, low: int = -1, high: int = 1) -> Dense:
    weights = np.random.default_rng(inputs).integers(low, high + 1, (inputs, outputs))
    return Dense(name=name, weights=weights)


# --- forms


@pytest.mark.parametrize(
    ("held", "row_bytes"),
    [
        (form(Format.U8, 3, 33), 33),
        (form(Format.I32, 3, 33), 132),
        (form(Format.I64, 3, 33), 264),
        (form(Format.BITS, 3, 32, 2), 8),
        (form(Format.BITS, 3, 33, 1), 8),
        (form(Format.NIBBLES, 3, 33, 2), 17),
        (form(Format.NIBBLES, 3, 33, 1), 9),
    ],
)
def test_rows_of_each_format(held: Form, row_bytes: int) -> None:
    assert (held.row_bytes, held.image_bytes) == (row_bytes, 3 * row_bytes)


def test_rows_are_folded_up_to_a_length() -> None:
    bytes_of = form(Format.U8, 12, 100)
    found = {most: bytes_of.folded(most) for most in (50, 199, 200, 399, 400, 1199, 1200)}
    rows = {most: (one.pixels, one.channels) for most, one in found.items()}
    assert rows == {
        **{50: (12, 100), 199: (12, 100), 200: (6, 200), 399: (4, 300)},
        **{400: (3, 400), 1199: (2, 600), 1200: (1, 1200)},
    }
    packed = form(Format.BITS, 12, 32, 1)
    assert packed.folded(1024) == packed
    assert (bytes_of.rows_of(4).pixels, bytes_of.rows_of(4).channels) == (4, 300)


@pytest.mark.parametrize(
    ("low", "high", "fits"),
    [(0, INT32_MAX, True), (0, INT32_MAX + 1, False), (-INT32_MAX, 0, True)],
)
def test_int32_holds_values_of_both_signs(low: int, high: int, fits: bool) -> None:
    assert fits_int32(Interval(low, high)) == fits
    assert not fits_int32(Interval(-INT32_MAX - 1, 0))


def plan_of(found: IntegerNetwork, kernels: Kernels = PLAIN) -> Plan:
    return make_plan(found, kernels)


@pytest.mark.parametrize(
    ("weight", "kind"),
    [(255, Format.U8), (256, Format.I32), (INT32_MAX, Format.I32), (INT32_MAX + 1, Format.I64)],
)
def test_values_take_the_narrowest_format(weight: int, kind: Format) -> None:
    """A difference of up to 255 is a byte."""
    inner = Dense(name="d0", weights=np.array([[weight]]))
    two = chain(levels("t", [9]), Flatten(name="f"), inner, dense("d1", 1, 2))
    assert plan_of(two).forms["d0"].format == kind


@pytest.mark.parametrize(("offset", "low"), [(-3, -3), (5, 0)])
def test_what_is_padded_has_a_byte_for_0(offset: int, low: int) -> None:
    layer = Convolution(
        name="c", weights=np.ones((2, 2, 3, 2), dtype=np.int64), padding=(0, 0, 0, 1)
    )
    shape = (3, 3, 3)
    found = plan_of(
        chain(levels("t", [9, 99], offset=offset), layer, Flatten(name="f"), shape=shape)
    )
    assert (found.forms["t"].format, found.forms["t"].low) == (Format.U8, low)


@pytest.mark.parametrize(
    ("count", "planes", "kind"),
    [(1, 1, Format.BITS), (3, 1, Format.U8), (3, 2, Format.BITS), (4, 2, Format.U8)],
)
def test_codes_of_few_planes_are_bits(count: int, planes: int, kind: Format) -> None:
    codes = levels("t", range(1, 1 + count))
    found = chain(codes, Flatten(name="f"), dense("d", 64, 3), shape=(1, 2, 32))
    held = plan_of(found, Kernels(planes=planes, tables=False)).forms["t"]
    assert held.format == kind
    assert held.planes == (count.bit_length() if kind == Format.BITS else 0)


@pytest.mark.parametrize(
    ("weights", "count", "planes"),
    [
        ((1, -1), 1, 1),
        ((1, -1), 3, 2),
        ((0, 1, 2, 3), 1, 2),
        ((0, 1, 2, 3, 4), 1, 0),
        ((1, 2), 4, 0),
    ],
)
def test_codes_of_few_weights_are_nibbles(
    weights: tuple[int, ...], count: int, planes: int
) -> None:
    layer = Dense(name="d", weights=np.resize(weights, (60, 1)))
    codes = levels("t", range(1, 1 + count))
    found = chain(codes, Flatten(name="f"), layer, shape=(1, 1, 60))
    held = plan_of(found, TABLES).forms["t"]
    assert (held.format == Format.NIBBLES, held.planes) == (planes > 0, planes)


@pytest.mark.parametrize(
    ("channels", "kind", "kernels"),
    [
        (32, Format.BITS, BITS),
        (33, Format.U8, BITS),
        (64, Format.NIBBLES, TABLES),
        (62, Format.U8, TABLES),
    ],
)
def test_pixels_that_are_read_as_one_fill_words_and_nibbles(
    channels: int, kind: Format, kernels: Kernels
) -> None:
    """The sums before the codes are those of a layer: no copy, which could be a vector."""
    first = Convolution(name="c", weights=np.ones((1, 1, 1, channels), dtype=np.int64))
    last = Dense(name="d", weights=np.resize([1, -1], (2 * channels, 2)))
    ops = (first, levels("t", [9]), Flatten(name="f"), last)
    assert plan_of(chain(*ops, shape=(1, 2, 1)), kernels).forms["t"].format == kind


@pytest.mark.parametrize(("size", "pixels"), [(4096, 1), (4097, 4097)])
def test_small_copies_are_vectors(size: int, pixels: int) -> None:
    ops = levels("t", [9, 12]), Flatten(name="f"), dense("d", size, 2)
    assert plan_of(chain(*ops, shape=(1, size, 1))).forms["t"].pixels == pixels


# --- memory


def convolved(kernels: Kernels) -> tuple[Plan, Any]:
    """Two grouped layers of 3 x 3 with 40 outputs of each group, on images of 6 x 5."""
    rng = np.random.default_rng(1)
    ops = (
        Convolution(name="c0", weights=rng.integers(-1, 2, (1, 1, 3, 64))),
        levels("t0", [0, 9, 20]),
        Convolution(name="c1", weights=rng.integers(-1, 2, (3, 3, 32, 80)), groups=2),
        levels("t1", [0, 9, 20]),
        SumPool(name="s", kernel=(2, 3), stride=(1, 1)),
        Flatten(name="f"),
        Dense(name="d", weights=rng.integers(-1, 2, (3 * 80, 7))),
    )
    found = chain(*ops, shape=(6, 5, 3))
    plan = plan_of(found, kernels)
    return plan, bind(plan, found).plan


def test_buffers_hold_a_tile_of_each_kernel() -> None:
    plan, bound = convolved(PLAIN)
    assert [op.kind for op in plan.ops] == [Kind.DOT, Kind.DOT, Kind.SUM, Kind.DOT]
    ops = [bound.ops[index] for index in range(bound.op_count)]
    strides = [64, 40 + 3 * 16, 0, 16]
    gathered = [4, 4 * 72, 0, 4 * 60]
    tiles = [
        min(64 * 1024 // (4 * stride), 128 * 1024 // window) // 12 * 12
        for stride, window in zip(strides, gathered, strict=True)
        if stride
    ]
    assert [op.tile_rows for op in ops] == [tiles[0], tiles[1], 96, tiles[2]]
    used = [(tiles[0], 0), (tiles[1], 1), (tiles[2], 3)]
    assert bound.gather_bytes == max(rows * gathered[at] for rows, at in used)
    assert bound.sums_bytes == max([8 * 240, *(rows * strides[at] * 4 for rows, at in used)])
    assert bound.row_bytes == 8 * 240  # of the flattened row
    assert bound.taps_bytes == 16 * 9
    assert bound.last_bytes == max(one.row_bytes for one in plan.forms.values())
    assert (bound.codes_bytes, bound.trace_bytes) == (0, 0)
    assert (bound.image_bytes, bound.classes) == (90, 7)


def test_planes_of_bits_gather_words_and_count_in_whole_cache_lines() -> None:
    plan, bound = convolved(BITS)
    assert [op.kind for op in plan.ops] == [Kind.DOT, Kind.BITS, Kind.SUM, Kind.DOT]
    ops = [bound.ops[index] for index in range(bound.op_count)]
    assert (ops[1].steps, ops[1].panels, ops[1].scale) == (9, 3, 1)
    window = 9 * 4 * 2
    assert ops[1].tile_rows == min(64 * 1024 // (4 * 88), 128 * 1024 // window) // 12 * 12
    assert bound.codes_bytes == 64 * ops[0].tile_rows


def test_a_tile_has_12_rows_at_least() -> None:
    wide = chain(Flatten(name="f"), dense("d", 1, 2000, -9, 9))
    plan = plan_of(wide)
    assert bind(plan, wide).plan.ops[0].tile_rows == 12


@pytest.mark.parametrize(("side", "block"), [(4, 256), (64, 42), (1024, 1)])
def test_a_block_of_images_stays_in_half_a_cache(side: int, block: int) -> None:
    """The image, twice its size and the pooled one live at one time: 3 and 2 bytes a pixel."""
    ops = (
        levels("t0", [9, 99]),
        Convolution(name="c", weights=np.array([[[[1, 2]]]])),
        levels("t1", [1, 2]),
        MaxPool(name="p", kernel=(side, side), stride=(side, side)),
        Flatten(name="f"),
    )
    found = chain(*ops, shape=(side, side, 1))
    plan = plan_of(found)
    sizes = {name: one.image_bytes for name, one in plan.forms.items()}
    most = max(sizes["image"] + sizes["t0"], sizes["t0"] + sizes["t1"], sizes["t1"] + sizes["p"])
    expected = max(1, min(256, 512 * 1024 // most))
    assert expected == block
    assert bind(plan, found).plan.block == block


def test_values_of_one_time_lie_apart_and_those_of_others_share() -> None:
    """t0 (48 bytes) lives until its sum with t1; p takes the place that t1's reader has left."""
    ops = (
        levels("t0", [9, 99]),
        MaxPool(name="p1", kernel=(1, 1), stride=(1, 1), inputs=("t0",)),
        Add(name="a", factors=(1, 1), inputs=("t0", "p1")),
        MaxPool(name="p2", kernel=(2, 2), stride=(2, 2), inputs=("a",)),
        Flatten(name="f"),
        dense("d", 12, 2),
    )
    found = chain(*ops, shape=(4, 4, 3))
    plan = plan_of(found)
    bound = bind(plan, found).plan
    block = bound.block
    names = ["image", *(name for name in plan.forms if name != "image")]
    places = {name: bound.tensors[index].arena for index, name in enumerate(names)}
    size = (48 * block + 256 + 63) // 64 * 64
    assert places["image"] == -1
    assert [places[name] for name in ("t0", "p1", "a", "p2")] == [0, size, 2 * size, 0]
    assert bound.arena_bytes == 3 * size


def test_a_trace_has_whole_lines_and_one_more() -> None:
    window = Window(np.array([1, 2], dtype=np.int32), np.array([3, 4], dtype=np.int32))
    traces = Traces({"t": window})
    head = MaxPool(name="p", kernel=(2, 2), stride=(2, 2))
    first = traces.added(head, levels("t", [1]), 65, 70)
    assert (first.begin, traces.bytes, traces.begins) == (0, 192, {"p": 0, "t": 0})
    assert first.low is not None
    assert first.high is not None
    assert first.low.tolist() == [1, 2] * 35 + [0] * 58
    assert first.high.tolist() == [3, 4] * 35 + [0] * 58
    assert traces.added(head, None, 64, 1).begin == 192
    assert traces.bytes == 192 + 128
