# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Units of logits, multipliers and sums near to a cut, by their formulas and at their limits."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import product
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from flow.integer import Interval
from flow.lowering import _coarse, _units
from flow.lowering._coarse import _error, _reach, _size
from flow.lowering._multipliers import Part, _rounded, smallest_multipliers, why_none
from flow.lowering._near_sums import TooMany, cut_of_rounded, near_sums
from flow.lowering._quantizers import bit_width, refuse_scale
from flow.lowering._reach import at_least
from flow.lowering._refusal import Refusal
from flow.lowering._units import Units, choose_units
from flow.lowering._values import Value, objects

F = Fraction
HALF, THIRD = F(1, 2), F(1, 3)


# --- units of the logits


def found(
    unit: Fraction, multiples: tuple[int, ...], biases: tuple[int, ...], base: Fraction
) -> Units:
    return Units(unit=unit, multiples=multiples, biases=biases, base=base)


@pytest.mark.parametrize(
    ("scales", "offsets", "expected"),
    [
        (("1/2", "3/4"), (0, 0), found(F(1, 4), (2, 3), (0, 0), F(0))),
        (("1/2", "3/4"), ("3/7", "3/7"), found(F(1, 4), (2, 3), (0, 0), F(3, 7))),
        ((1, 1), ("1/2", "1/4"), found(F(1, 4), (4, 4), (2, 1), F(0))),
        ((2, -2), (3, 5), found(F(1), (2, -2), (3, 5), F(0))),
        ((1, 1), ("1/256", 0), found(F(1, 256), (256, 256), (1, 0), F(0))),
        ((1, 1), ("1/3", "4/3"), found(F(1), (1, 1), (0, 1), THIRD)),
        ((256, 1), (0, 0), found(F(1), (256, 1), (0, 0), F(0))),
        ((0, 0), (2, 3), found(F(1), (0, 0), (2, 3), F(0))),
        (
            (1, 1),
            (2**20, 2**20 + HALF),
            found(HALF, (2, 2), (0, 1), F(2**20)),
        ),
        (
            (1, 1),
            (2**20 - 1, 2**20 - HALF),
            found(HALF, (2, 2), (2**21 - 2, 2**21 - 1), F(0)),
        ),
    ],
)
def test_exact_units(scales: tuple[Any, ...], offsets: tuple[Any, ...], expected: Units) -> None:
    assert choose_units([*map(F, scales)], [*map(F, offsets)], 100) == expected


@pytest.mark.parametrize(
    ("magnitude", "bits"), [(1, 8), (2**22, 8), (2**22 + 1, 7), (2**29, 1), (2**30, 0), (2**40, 0)]
)
def test_offsets_are_as_fine_as_int32_lets_them_be(magnitude: int, bits: int) -> None:
    """Half of int32 is for the multiples: 2**30 over the largest integer."""
    units = choose_units([F(1), F(1)], [THIRD, F(1)], magnitude)
    assert (units.unit, units.multiples) == (F(1, 2**bits), (2**bits, 2**bits))
    assert units.base == 1
    assert units.biases == (round(F(-2, 3) * 2**bits), 0)
    assert units.error == abs(F(-2, 3) * 2**bits - units.biases[0])
    assert f"rounded to 1/{2**bits} of a step of the logits, by at most" in units.note
    assert f"{float(units.error / 2**bits):.3g} of a step;" in units.note


def test_a_given_base_is_kept() -> None:
    assert choose_units([F(1), F(1)], [F(2), F(2)], 9, F(2)).base == 2
    units = choose_units([F(1, 2), F(1, 2)], [F(2), F(3)], 9, F(1))
    assert (units.base, units.biases, units.error) == (1, (2, 4), 0)
    units = choose_units([F(1, 2), F(1, 2)], [F(2), F(2)], 9, F(1))
    assert (units.base, units.biases) == (1, (2, 2))


def test_offsets_that_float32_rounds_count_as_exact() -> None:
    """1 + 2**-23 is 1 of a float32's last bit off."""
    units = choose_units([F(1), F(1)], [1 + F(1, 2**23), F(0)], 9)
    assert (units.unit, units.biases, units.error) == (1, (1, 0), F(1, 2**23))
    assert units.note
    finer = choose_units([F(1), F(1)], [1 + F(1, 2**21), F(0)], 9)
    assert finer.unit == F(1, 256)


def units_by_loops(scales: Sequence[Fraction], magnitude: int) -> list[Fraction]:
    largest, units = max(map(abs, scales)), list[Fraction]()
    for bits in range(2, 17):
        if units and 2**bits * magnitude >= 2**30:
            break
        worst = {
            size: max(
                abs(float(s / largest) * size - np.rint(float(s / largest) * size)) for s in scales
            )
            / size
            for size in range(2 ** (bits - 1), 2**bits)
        }
        units.append(largest / min(worst, key=lambda size: (worst[size], size)))
    return units


@pytest.mark.parametrize("magnitude", [1, 2**14, 2**22, 2**28, 2**40])
def test_units_of_each_width_fit_the_scales_best(magnitude: int) -> None:
    scales = [F(1), F(-355, 1130), F(257, 300)]
    assert _units._units(scales, magnitude) == units_by_loops(scales, magnitude)


@pytest.mark.parametrize("magnitude", [3, 2**10, 2**20, 2**28])
def test_scales_without_a_unit_are_rounded_to_the_coarsest_that_serves(magnitude: int) -> None:
    scales, offsets = [F(1), F(355, 1130), F(257, 300)], [F(1, 7), F(4), F(-2)]
    units = choose_units(scales, offsets, magnitude)
    finest = scales[1]
    base = round(sum(offsets) / 3 / finest) * finest
    tried = list[tuple[Fraction, Fraction]]()
    for unit in units_by_loops(scales, magnitude):
        bound = max(
            abs(s - round(s / unit) * unit) * magnitude
            + abs(o - base - round((o - base) / unit) * unit)
            for s, o in zip(scales, offsets, strict=True)
        )
        tried.append((bound, unit))
        if bound <= finest / 16:
            break
    bound, unit = min(tried)
    assert (units.unit, units.base, units.error * unit) == (unit, base, bound)
    assert units.multiples == tuple(round(s / unit) for s in scales)
    assert units.biases == tuple(round((o - base) / unit) for o in offsets)
    assert f"(3 without a common unit) are rounded to multiples of {float(unit):.6g}" in units.note
    assert f"off by at most {float(bound):.3g}, {float(bound / finest):.3g} of the" in units.note


def test_257_times_the_finest_scale_is_rounded() -> None:
    assert choose_units([F(257), F(1)], [F(0), F(0)], 3).multiples != (257, 1)
    given = choose_units([F(257), F(1)], [F(0), F(0)], 3, F(5))
    assert given.base == 5


# --- multipliers


def test_parts_turn_around() -> None:
    assert Part(-3, -2, 5).turned() == Part(3, -5, 2)
    assert Part(3, -2, 5).turned() == Part(3, -2, 5)
    assert Part(3, -2, 5).span == 8


def serves(parts: list[Part], values: tuple[int, ...], cuts: list[int]) -> bool:
    choices = [*product(*(range(part.lo, part.hi + 1) for part in parts))]
    old = [sum(p.weight * x for p, x in zip(parts, c, strict=True)) for c in choices]
    new = [sum(v * x for v, x in zip(values, c, strict=True)) for c in choices]
    for cut in cuts:
        below = [n for o, n in zip(old, new, strict=True) if o < cut]
        reached = [n for o, n in zip(old, new, strict=True) if o >= cut]
        if below and reached and max(below) >= min(reached):
            return False
    return True


@pytest.mark.parametrize("seed", range(6))
def test_three_parts_take_the_smallest_rounding_that_serves(seed: int) -> None:
    rng = np.random.default_rng(seed)
    weights = [int(w) for w in rng.integers(2**20, 2**24, 3)]
    parts = [
        Part(weight, int(lo), int(lo) + 3) for weight, lo in zip(weights, (0, -2, 1), strict=True)
    ]
    cuts = [int(c) for c in rng.integers(0, 5 * max(weights), 3)]
    result = smallest_multipliers(parts, cuts)
    assert result is not None
    for size in range(1, 4097):
        values = tuple(int(np.rint(size * (w / max(weights)))) for w in weights)
        if serves(parts, values, cuts):
            break
    assert result.values == values
    assert result.choices == 4**3


def test_constant_parts_move_the_cuts() -> None:
    parts = [Part(1000, 0, 9), Part(7, 5, 5), Part(0, 0, 9)]
    result = smallest_multipliers(parts, [2035, 2036, 99999, -99999])
    assert result is not None
    assert result.values == (1, 0, 0)
    assert {cut: result.cuts[cut] for cut in (2035, 2036)} == {2035: 2, 2036: 3}
    assert result.cuts[99999] == 10
    assert result.cuts[-99999] == 0
    assert result.choices == 10


def test_why_none_are_found() -> None:
    assert why_none([Part(0, 0, 9), Part(4, 2, 2)], [1]) == "a channel of it is constant"
    wide = Part(3, 0, 2**23)
    assert why_none([wide, Part(5, 0, 2**23)], [1]).startswith(
        "8,388,609 comparisons with thresholds are more than the 8,388,608 that are made"
    )
    assert smallest_multipliers([wide, Part(5, 0, 2**23)], [1]) is None
    fits = [Part(2, 0, 3), Part(1, 0, 1)]
    assert why_none(fits, [3]) == (
        "none of the factors of at most 65536 that were tried keep every decision"
    )
    assert why_none([*fits, Part(4, 0, 1)], [3]).startswith("none of the factors of at most 4096")


def test_a_collision_names_its_parts_and_its_threshold() -> None:
    """Rounded to 65536, the weights are alike; (0, 1) is below the second threshold."""
    parts = [Part(2**40, 0, 1), Part(1 - 2**40, -1, 0)]
    said = why_none(parts, [0, 2**40])
    assert said == (
        "rounded to factors of at most 65536, its parts at [0, -1], below threshold 2 of 2, and at "
        "[1, 0], which reach it, collide"
    )


def test_weights_are_rounded_in_the_unit_of_the_largest() -> None:
    assert _rounded([1000, 499, 1], 100) == (100, 50, 0)
    assert _rounded([1, 4], 4) == (1, 4)


# --- sums near to a cut


def test_2_to_the_16_sums_are_looked_at() -> None:
    zero = at_least(F(0))
    most = [Part(0, 1, 2**16)]
    assert cut_of_rounded(most, F(1), zero, lambda _: True) == -1
    with pytest.raises(TooMany):
        cut_of_rounded([Part(0, 0, 2**16)], F(1), zero, lambda _: True)
    pair = [Part(5, 0, 2**16), Part(7, 0, 2**16)]
    assert next(near_sums([*pair, Part(1, 1, 2**16)], 1, 1), None) == (0, 0, 1)
    with pytest.raises(TooMany):
        next(near_sums([*pair, Part(1, 0, 2**16)], 1, 1))


def test_a_cut_lies_above_the_last_sum_below_it() -> None:
    parts = [Part(3, 0, 9)]
    assert cut_of_rounded(parts, F(0), at_least(F(10)), lambda c: 3 * c[0] >= 10) == 10
    assert cut_of_rounded(parts, F(5, 2), at_least(F(10)), lambda c: 3 * c[0] >= 10) == 10
    assert cut_of_rounded(parts, F(5, 2), at_least(F(10)), lambda c: c[0] >= 3) == 8
    assert cut_of_rounded(parts, F(7, 2), at_least(F(10)), lambda c: c[0] >= 5) == 13


# --- rounding factors


def test_an_error_is_the_rounding_times_the_reach() -> None:
    parts = [Part(10, -4, 3), Part(5, 0, 7)]
    assert [_reach(part) for part in parts] == [4, 7]
    assert _error(parts, F(1, 4)) == HALF * 4 + F(1, 4) * 7


@pytest.mark.parametrize("most", [1, 2, 7, 60, 101])
def test_the_largest_factor_rounds_the_others_best(most: int) -> None:
    rows = (
        (Part(1000, -4, 3), Part(-377, 0, 7), Part(123, 2, 5)),
        (Part(617, 0, 9), Part(40, -1, 1), Part(999, 1, 2)),
    )
    found: Any = SimpleNamespace(parts=(*rows, rows[0]))

    def worst(size: int) -> float:
        return max(
            sum(
                abs(size * part.weight / 1000 - round(size * part.weight / 1000))
                * max(abs(part.lo), abs(part.hi))
                for part in parts
            )
            for parts in rows
        )

    sizes = range(max(1, most // 2), most + 1)
    assert _size(found, 1000, most) == min(sizes, key=lambda size: (worst(size) / size, size))


@pytest.mark.parametrize(
    ("magnitude", "largest", "scales", "size"),
    [
        (2**24 - 1, 2**17, (1, 1), None),
        (2**24, 2**17, (1, 1), 2**15),
        (2**24, 2**16, (1, 1), None),
        (2**24, 2**16 + 1, (1, 1), 2**15),
        (2**30, 2**17, (1, 1), 2**14),
        (2**30, 2**17, (1, 2), 2**6),
        (2**50, 2**17, (1, 2), 1),
    ],
)
def test_wide_logits_get_factors_that_leave_room(
    magnitude: int,
    largest: int,
    scales: tuple[int, int],
    size: int | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One part alone is exact at each size: the smallest of those that are tried is taken."""
    put: list[Any] = []
    weighted = SimpleNamespace(parts=((Part(largest, 0, 1),),), with_values=put.append)
    builder: Any = SimpleNamespace(
        interval=lambda _: Interval(-magnitude, 0), rounded={}, operations={"sum": None}, factors={}
    )
    monkeypatch.setattr(_coarse, "_path", lambda *_: ("sum", ["behind"]))
    readers = SimpleNamespace(readers=lambda _: ["one"])
    monkeypatch.setattr(_coarse, "_up_to", lambda *_: readers)
    monkeypatch.setattr(_coarse, "weighted_sum", lambda *_: weighted)
    monkeypatch.setattr(_coarse, "_replace", lambda *_: None)
    monkeypatch.setattr(_coarse, "_carried", lambda *parts: parts[2] + 7)
    value = Value.plain("sum", (2,), np.arange(2), objects([F(one) for one in scales]))
    found = _coarse.coarsened(builder, value)
    if size is None:
        assert (found.value is value, found.error, found.name, put) == (True, 0, "", [])
        return
    assert found.value.scale.tolist() == [F(one * largest, size) for one in scales]
    assert (found.error, found.name, put) == (7, "sum", [[(size,)]])
    readers.readers = lambda _: ["one", "other"]
    assert _coarse.coarsened(builder, value).value is value


# --- quantizers


@pytest.mark.parametrize(
    ("width", "fits"),
    [(F(1), True), (F(16), True), (F(17), False), (F(0), False), (F(5, 2), False)],
)
def test_quantizers_have_1_to_16_bits(width: Fraction, fits: bool) -> None:
    if fits:
        assert bit_width(width) == width
        return
    with pytest.raises(Refusal, match=r"is not an integer in 1\.\.16"):
        bit_width(width)


def test_scales_of_quantizers_are_positive() -> None:
    refuse_scale(objects([F(1), F(1, 10**9)]))
    for smallest in (F(0), F(-1)):
        with pytest.raises(Refusal, match="is not positive"):
            refuse_scale(objects([F(1), smallest]))
