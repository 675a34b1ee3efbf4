# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Cuts, enclosures, staircases, values and constants, by hand and at their limits."""

from collections.abc import Sequence
from fractions import Fraction
from math import atanh, ceil, floor, log

import numpy as np
import pytest

from flow.integer import Interval
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
from flow.lowering._near_ties import _is_short
from flow.lowering._reach import Cut, Undecided, above, at_least, beyond
from flow.lowering._staircase import ROUNDINGS, round_steps, uniform
from flow.lowering._trunc import _after_rounding
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
HALF = F(1, 2)


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
    [
        *(F(1), F(2), HALF, 1 + F(1, 2**23), 1 + F(1, 2**24), 2 - F(1, 2**23), 2 - F(1, 2**24)),
        *(F(1, 3), F(10, 3), F(7, 10**6), F(2**24 - 1), F(2**24 + 1), 1 + F(3, 2**25)),
    ],
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
        (Exponential(F(2)), F(-3), True, True),
        (Sqrt(), F(0), True, at_least(F(0))),
        (Tanh(), F(0), False, above(F(0))),
        (Log(), F(0), True, at_least(F(1))),
        (Log(), F(0), False, above(F(1))),
        (Exponential(F(2)), F(3), True, at_least(F(3))),
        (Exponential(F(2)), F(0), False, above(F(0))),
        (Exponential(F(2), F(1), F(2)), F(0), True, at_least(F(0))),
        (Exponential(F(2), F(1), F(2)), F(3), True, at_least(F(3, 2) - F(1, 2**24))),  # a tie
    ],
    ids=str,
)
def test_functions_at_the_ends_of_their_values(
    function: Growing, bound: Fraction, inclusive: bool, reach: Cut | bool
) -> None:
    assert function.reach(bound, 60, inclusive=inclusive) == reach


@pytest.mark.parametrize(
    ("function", "limit", "last"),
    [(Tanh(), -1, atanh(2**-25 - 1)), (Exponential(F(2)), -2, log(2**-25))],
)
def test_a_limit_is_left_where_float32_tells_it_apart(
    function: Growing, limit: int, last: float
) -> None:
    found = function.reach(F(limit), 60, inclusive=False)
    assert isinstance(found, Cut)
    assert [float(found.lo), float(found.hi)] == pytest.approx([last] * 2, rel=1e-14)


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


def value(scale: Sequence[int], offset: Sequence[int]) -> Value:
    shape = (2, 1, len(scale))
    plain = Value.plain("x", shape, image_index(shape), rationals(scale), rationals(offset))
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
