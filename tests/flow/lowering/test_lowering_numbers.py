# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Units, multipliers, enclosures and cuts of the lowering, by their formulas and at their limits."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import product
from math import ceil, floor

import numpy as np
import pytest

from flow.integer import Interval
from flow.lowering import _units
from flow.lowering._coarse import _error, _reach
from flow.lowering._enclosures import nearest_float32
from flow.lowering._growing import (
    Ceil,
    Erf,
    Exp,
    Exponential,
    Floor,
    Growing,
    HardSigmoid,
    Leaky,
    Log,
    Piecewise,
    Round,
    Sigmoid,
    Softplus,
    Softsign,
    Sqrt,
    Tanh,
    ThresholdedRelu,
)
from flow.lowering._levels import _is_identity
from flow.lowering._multipliers import Part, _rounded, smallest_multipliers, why_none
from flow.lowering._near_sums import TooMany, cut_of_rounded, near_sums
from flow.lowering._near_ties import _is_short
from flow.lowering._reach import Cut, Undecided, above, at_least, beyond
from flow.lowering._staircase import ROUNDINGS, round_steps, uniform
from flow.lowering._trunc import _after_rounding
from flow.lowering._units import Units, choose_units
from flow.lowering._values import (
    INFINITY,
    Value,
    common_unit,
    image_index,
    objects,
    rationals,
)
from flow.lowering.constants import Constant, _grid, _shrink, integer_codes

F = Fraction
HALF, THIRD = F(1, 2), F(1, 3)


# --- units of the logits


def fractions(*values: object) -> list[Fraction]:
    return [Fraction(str(value)) for value in values]


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
def test_exact_units(
    scales: tuple[object, ...], offsets: tuple[object, ...], expected: Units
) -> None:
    assert choose_units(fractions(*scales), fractions(*offsets), 100) == expected


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


# --- cuts


def test_cuts_by_hand() -> None:
    wide = beyond(F(5, 2), F(8, 3))
    assert (wide.holds(F(3)), wide.holds(F(2)), wide.first_integer()) == (True, False, 3)
    for inside in (F(5, 2), F(21, 8), F(8, 3)):
        with pytest.raises(Undecided):
            wide.holds(inside)
    for undecided in (beyond(F(2), F(5, 2)), beyond(F(3, 2), F(5, 2)), beyond(F(3, 2), F(2))):
        with pytest.raises(Undecided):
            undecided.first_integer()
    assert [at_least(F(n)).first_integer() for n in (2, F(5, 2))] == [2, 3]
    assert [above(F(n)).first_integer() for n in (2, F(5, 2))] == [3, 3]
    assert (at_least(F(2)).holds(F(2)), above(F(2)).holds(F(2))) == (True, False)
    assert (at_least(F(2)).holds(INFINITY), at_least(F(2)).holds(-INFINITY)) == (True, False)
    assert at_least(F(6)).affine(F(2), F(1)) == Cut(F(5, 2), F(5, 2), True)
    assert at_least(F(6)).affine(F(-2), F(1)) == Cut(F(-5, 2), F(-5, 2), False)
    assert beyond(F(1), F(3)).affine(F(-1), F(0)) == Cut(F(-3), F(-1), True)


def float32(number: Fraction) -> Fraction:
    """The nearest float32 of any exponent, the even one of two: 24 bits."""
    size = abs(number)
    exponent = floor(np.log2(float(size)))
    while F(2) ** exponent > size:
        exponent -= 1
    while F(2) ** (exponent + 1) <= size:
        exponent += 1
    grid = F(2) ** (exponent - 23)
    return round(number / grid) * grid


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    "bound",
    [F(1), F(2), F(1, 2), 1 + F(1, 2**23), 1 + F(1, 2**24), 2 - F(1, 2**23), 2 - F(1, 2**24)]
    + [F(1, 3), F(10, 3), F(7, 10**6), F(2**24 - 1), F(2**24 + 1), 1 + F(3, 2**25)],
)
@pytest.mark.parametrize("inclusive", [True, False])
def test_numbers_that_round_up_to_a_bound_reach_it(
    bound: Fraction, sign: int, inclusive: bool
) -> None:
    wanted = sign * bound
    cut = nearest_float32(wanted, inclusive=inclusive)
    assert cut.lo == cut.hi
    close = abs(wanted) / 2**40
    for number in (cut.lo - close, cut.lo, cut.lo + close, wanted):
        nearest = float32(number)
        reached = nearest >= wanted if inclusive else nearest > wanted
        assert cut.holds(number) == reached


PIECEWISE: list[Piecewise] = [
    *(Leaky(F(1, 4)), Leaky(F(0)), Leaky(F(3)), ThresholdedRelu(F(3, 2)), ThresholdedRelu(F(0))),
    *(Floor(), Ceil(), Round()),
]


@pytest.mark.parametrize("function", PIECEWISE, ids=str)
@pytest.mark.parametrize("inclusive", [True, False])
def test_piecewise_functions_reach_bounds_where_their_values_do(
    function: Piecewise, inclusive: bool
) -> None:
    """Numbers whose products are float32, so that nothing rounds."""
    numbers = [F(n, 8) for n in range(-40, 41)]
    for bound in [F(n, 4) for n in range(-16, 17)]:
        reach = function.reach(bound, 60, inclusive=inclusive)
        for number in numbers:
            value = function.at(number)
            expected = value >= bound if inclusive else value > bound
            assert (reach if isinstance(reach, bool) else reach.holds(number)) == expected


@pytest.mark.parametrize("inclusive", [True, False])
@pytest.mark.parametrize(("alpha", "beta"), [(F(1, 4), HALF), (F(2), F(-1)), (F(1, 8), F(2))])
def test_hard_sigmoids_reach_bounds_where_their_values_do(
    alpha: Fraction, beta: Fraction, inclusive: bool
) -> None:
    function = HardSigmoid(alpha, beta)
    for bound in [F(n, 8) for n in range(-3, 12)]:
        reach = function.reach(bound, 60, inclusive=inclusive)
        for number in [F(n, 8) for n in range(-200, 201)]:
            value = min(max(alpha * number + beta, F(0)), F(1))
            expected = value >= bound if inclusive else value > bound
            assert (reach if isinstance(reach, bool) else reach.holds(number)) == expected


@pytest.mark.parametrize(
    ("function", "bound", "inclusive", "reach"),
    [
        (Tanh(), F(1), False, False),
        (Tanh(), F(-1), False, None),
        (Tanh(), F(-2), True, True),
        (Tanh(), F(2), True, False),
        (Sigmoid(), F(0), True, True),
        (Sigmoid(), F(-1), True, True),
        (Sigmoid(), F(1), False, False),
        (Softplus(), F(-1), False, True),
        (Softplus(), F(0), False, True),
        (Exp(), F(0), False, True),
        (Exp(), F(-1), False, True),
        (Sqrt(), F(-1), False, True),
        (Softsign(), F(2), True, False),
        (Softsign(), F(-2), True, True),
        (Erf(), F(2), True, False),
        (Erf(), F(-2), True, True),
        (Exponential(F(2)), F(-2), True, True),
        (Exponential(F(2)), F(-2), False, None),
        (Exponential(F(2)), F(-3), True, True),
        (Sqrt(), F(0), True, at_least(F(0))),
        (Tanh(), F(0), False, above(F(0))),
        (Log(), F(0), True, at_least(F(1))),
        (Log(), F(0), False, above(F(1))),
        (Exponential(F(2)), F(3), True, at_least(F(3))),
        (Exponential(F(2)), F(0), False, above(F(0))),
        (Exponential(F(2), F(1), F(2)), F(0), True, at_least(F(0))),
        (Exponential(F(2), F(1), F(2)), F(3), True, Cut(*[(3 - F(1, 2**23)) / 2] * 2, False)),
    ],
    ids=str,
)
def test_functions_at_the_ends_of_their_values(
    function: Growing, bound: Fraction, inclusive: bool, reach: Cut | bool | None
) -> None:
    found = function.reach(bound, 60, inclusive=inclusive)
    if reach is None:
        assert isinstance(found, Cut)
    elif isinstance(reach, Cut) and bound == 3 and function != Exponential(F(2)):
        assert isinstance(found, Cut)
        assert abs(found.lo - F(3, 2)) < F(1, 2**22)
    else:
        assert found == reach


# --- staircases

MODES = {
    "ROUND": round,
    "HALF_EVEN": round,
    "HALF_UP": lambda x: floor(abs(x) + HALF) * (1 if x > 0 else -1),
    "HALF_DOWN": lambda x: ceil(abs(x) - HALF) * (1 if x > 0 else -1),
    "FLOOR": floor,
    "CEIL": ceil,
    "UP": lambda x: ceil(abs(x)) * (1 if x > 0 else -1),
    "DOWN": lambda x: floor(abs(x)) * (1 if x > 0 else -1),
    "ROUND_TO_ZERO": lambda x: floor(abs(x)) * (1 if x > 0 else -1),
}


@pytest.mark.parametrize("mode", ROUNDINGS)
def test_staircases_round_as_their_mode_says(mode: str) -> None:
    scale, zero = F(3, 4), F(1, 3)
    stairs = uniform(range(-4, 6), round_steps(mode), [scale], [zero])
    assert (stairs.first, stairs.steps) == (-4, 9)
    part = stairs.within(2, 5)
    assert (part.first, part.steps) == (-2, 3)
    for value in [F(n, 24) for n in range(-120, 121)]:
        level = min(max(MODES[mode](value / scale + zero), -4), 5)
        assert stairs.first + stairs.taken(0, value) == level
        assert part.first + part.taken(0, value) == min(max(level, -2), 1)


@pytest.mark.parametrize("mode", ["FLOOR", "ROUND", "CEIL"])
@pytest.mark.parametrize("shift", [0, 1, 3])
def test_truncated_levels_are_rounded_twice(mode: str, shift: int) -> None:
    reach = _after_rounding(round_steps(mode), shift)
    stairs = uniform(range(-3, 4), reach, [F(1)], [F(0)])
    for value in [F(n, 4) for n in range(-100, 101)]:
        level = min(max(MODES[mode](F(round(value), 2**shift)), -3), 3)
        assert stairs.first + stairs.taken(0, value) == level


@pytest.mark.parametrize(
    ("thresholds", "offset", "low", "high", "same"),
    [
        ([1, 2, 3], 0, 0, 3, True),
        ([1, 2, 3], 0, 0, 2, True),
        ([1, 2, 3], 0, 0, 4, False),
        ([1, 2, 3], 1, 0, 3, False),
        ([-1, 0, 1], -2, -2, 1, True),
        ([-1, 0, 1], -2, -1, 1, True),
        ([1, 3, 3], 0, 0, 3, False),
        ([0, 1, 2], -1, 0, 2, True),
        ([2, 3, 4], 0, 0, 3, False),
    ],
)
def test_thresholds_that_change_nothing(
    thresholds: list[int], offset: int, low: int, high: int, same: bool
) -> None:
    assert _is_identity(np.array([thresholds]), offset, low, high) == same
    assert _is_identity(np.array([thresholds, thresholds]), offset, low, high) == same


@pytest.mark.parametrize(
    ("number", "times", "short"),
    [
        *((F(0), 1, True), (F(2**24 - 1), 1, True), (F(2**24 + 1), 1, False)),
        *((F(2**25), 1, True), (F(-3, 8), 1, True), (F(1, 3), 1, False)),
        *((F(3, 8), 2**23, False), (F(3, 8), 5592405, True), (F(3, 8), 5592406, False)),
    ],
)
def test_short_numbers_are_float32_s(number: Fraction, times: int, short: bool) -> None:
    assert _is_short(number, times) == short


# --- values


def value(scale: Sequence[object], offset: Sequence[object]) -> Value:
    shape = (2, 1, len(scale))
    plain = Value.plain(
        "x", shape, image_index(shape), objects(fractions(*scale)), objects(fractions(*offset))
    )
    assert plain.channels == len(scale)
    return plain


def test_units_that_all_values_share() -> None:
    assert common_unit([F(3, 4), F(0), F(-5, 6)]) == F(1, 12)
    assert common_unit([F(6), F(-4)]) == 2
    assert common_unit([F(0)]) == 1


def test_values_are_scaled_with_their_clamps() -> None:
    clamped = value((2, -3, 0), (1, 0, 9)).clamped(
        objects([F(-1), F(-2), F(0)]), objects([F(4), F(5), F(6)])
    )
    found = clamped.affine(objects([F(2), F(-1), F(3)]), objects([F(1), F(0), F(-2)]))
    assert found.scale.tolist() == [4, 3, 0]
    assert found.offset.tolist() == [3, 0, 16]  # the constant is clamped to 6 first
    assert found.lo.tolist() == [-1, -5, -2]
    assert found.hi.tolist() == [9, 2, 16]
    nothing = clamped.affine(objects([F(0)] * 3), objects([F(7)] * 3))
    assert (nothing.lo.tolist(), nothing.hi.tolist()) == ([-INFINITY] * 3, [INFINITY] * 3)
    again = clamped.clamped(objects([F(5), F(-9), F(1)]), objects([F(7), F(-8), F(2)]))
    assert (again.lo.tolist(), again.hi.tolist()) == ([5, -8, 1], [5, -8, 2])


def test_clamps_that_cut_nothing_are_dropped() -> None:
    ends = objects([F(0), F(-3), F(8), F(-1), F(1)]), objects([F(6), F(0), F(9), F(0), F(5)])
    whole = value((2, -1, 1, 1, 1), (0, 0, 0, 0, 0)).clamped(*ends)
    found = whole.without_idle_clamps(Interval(0, 3))
    assert found.scale.tolist() == [2, -1, 0, 0, 1]  # 0..3 is below 8..9 and above -1..0
    assert found.offset.tolist() == [0, 0, 8, 0, 0]
    assert found.lo.tolist() == [-INFINITY] * 4 + [1]
    assert found.hi.tolist() == [INFINITY] * 5
    assert found.clamps
    assert not value((1,), (0,)).clamps
    low, high = whole.ends(Interval(-1, 3))
    assert (low.tolist(), high.tolist()) == ([-2, -3, -1, -1, -1], [6, 1, 3, 3, 3])


def test_values_know_where_they_fall() -> None:
    falling = value((2, -3, 0), (1, 0, 9))
    assert falling.falling() == [False, True, False]
    bent = falling.bent([Tanh()] * 3).affine(objects([F(-1), F(-1), F(2)]), objects([F(0)] * 3))
    assert bent.falling() == [True, False, False]
    turned = bent.of_multiple(objects([F(-1), F(1), F(1)]))
    assert turned.falling() == [False, False, False]
    assert turned.curves[0].scale.tolist() == [-2, -3, 0]


def test_images_have_an_order() -> None:
    index = image_index((2, 3, 2), (1, 0, 0, 2))
    assert index.shape == (1, 2, 3, 5)
    assert index[0, 1].tolist() == [[-1] * 5, [1, 3, 5, -1, -1], [7, 9, 11, -1, -1]]
    padded = Value.plain("x", (2, 3, 2), index, rationals([1.0, 1.0]))
    assert not padded.is_image()
    assert padded.order().tolist() == [5, 20, 6, 21, 7, 22, 10, 25, 11, 26, 12, 27]


# --- constants


def test_a_grid_has_codes_of_16_bits() -> None:
    def grid(*values: float) -> tuple[list[int], Fraction] | None:
        array = np.array(values, dtype=np.float32)
        found = _grid(array.astype(np.float64), array)
        return None if found is None else (found[0].tolist(), found[1])

    assert grid(0.0, 0.0) == ([0, 0], F(1))
    assert grid(0.5, -1.25) == ([2, -5], F(1, 4))
    assert grid(1.0, -32767.0) == ([1, -32767], F(1))
    assert grid(1.0, 32768.0) is None
    step = np.float32(0.1)
    for smallest in (1, 2, 3, 4):
        codes = np.array([smallest, -7, 0, 9], dtype=np.float32)
        found = grid(*(codes * step).tolist())
        assert found is not None
        assert found[0] == codes.tolist()
    assert grid(*(np.array([5, 7, 9], dtype=np.float32) * step).tolist()) is None


def test_scales_lose_the_axes_along_which_they_are_one() -> None:
    scale = np.array([[1.0, 2.0]] * 3)
    assert _shrink(scale).tolist() == [[1.0, 2.0]]
    assert _shrink(scale * 0).shape == (1, 1)
    assert _shrink(scale.T).tolist() == [[1.0], [2.0]]


def test_each_channel_may_have_a_scale_of_its_own() -> None:
    steps = np.array([0.1, 0.12345], dtype=np.float32)
    codes = np.array([[1, -5], [3, 2], [-7, 1]], dtype=np.float32)
    found, scale = integer_codes(Constant(codes * steps), 1)
    assert found.tolist() == codes.tolist()
    assert [float(item) for item in scale.ravel()] == steps.tolist()
    assert scale.shape == (1, 2)


def test_constants_are_exact_products() -> None:
    whole = Constant(np.array([[0.2, 0.6]]), np.array([[1, 3]]), np.array([[0.2]]))
    assert whole.exact().tolist() == [[F(0.2), 3 * F(0.2)]]
    turned = whole.transposed((1, 0))
    assert turned.codes is not None
    assert turned.codes.tolist() == [[1], [3]]
    assert whole.reshaped((2,)).exact().tolist() == [F(0.2), 3 * F(0.2)]
    assert Constant(np.array([0.5])).exact().tolist() == [HALF]


# --- rounding factors


def test_an_error_is_the_rounding_times_the_reach() -> None:
    parts = [Part(10, -4, 3), Part(5, 0, 7)]
    assert [_reach(part) for part in parts] == [4, 7]
    assert _error(parts, F(1, 4)) == HALF * 4 + F(1, 4) * 7
