# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""How the engine counts, and how gradients lie in memory, by hand."""

import numpy as np
import pytest
from short_chains import chain, levels

from flow.integer import (
    Flatten,
    Interval,
    SumPool,
    Threshold,
)
from flow.integer.native._counting import (
    Counter,
    Counting,
    count_bytes,
    count_shorts,
    plan_counting,
)
from flow.integer.native._gradient import Field, Phase, _tiles, plan_gradient
from flow.integer.native._layout import INT32_MAX
from flow.integer.native.lines import _between, _inverse_lines, fit_lines

# --- counters


def rows(count: int) -> Threshold:
    """Uneven ones, of which no line is found, in two channels."""
    ends = np.array([[0, 1, *range(90, 88 + count)], [0, 2, *range(90, 88 + count)]])[:, :count]
    return Threshold(name="t", thresholds=ends, offset=-3, step=2)


SUMS = Interval(-10, 999)


def kind_of(count: int, *, wide: bool = False) -> Counter:
    return plan_counting(rows(count), SUMS, 6, wide=wide)


@pytest.mark.parametrize(
    ("count", "kind"),
    [(1, Counting.COMPARE), (24, Counting.COMPARE), (25, Counting.SEARCH)],
)
def test_some_levels_are_compared_and_many_searched(count: int, kind: Counting) -> None:
    found = kind_of(count)
    assert (found.counting, found.levels, found.low, found.step) == (kind, count, -3, 2)
    tiled = np.tile(rows(count).thresholds, (3, 1))
    assert found.thresholds is not None
    assert found.thresholds.dtype == np.int32
    if kind == Counting.SEARCH:
        assert np.array_equal(found.thresholds, tiled)
        return
    assert found.thresholds.shape == (count, 64)
    assert np.array_equal(found.thresholds[:, :6], (tiled - 1).T)
    assert (found.thresholds[:, 6:] == INT32_MAX).all()
    wide = kind_of(count, wide=True)
    assert wide.thresholds is not None
    assert (wide.counting, wide.thresholds.dtype) == (Counting.SEARCH, np.int64)


@pytest.mark.parametrize(
    ("count", "kind"),
    [
        *((2, Counting.COMPARE), (3, Counting.LINE), (255, Counting.LINE)),
        (256, Counting.SEARCH),
    ],
)
def test_even_levels_are_a_line(count: int, kind: Counting) -> None:
    even = levels("t", range(10, 10 + 7 * count, 7), offset=1, step=3)
    found = plan_counting(even, Interval(0, 3000), 70, wide=False)
    assert (found.counting, found.levels, found.low, found.step) == (kind, count, 1, 3)
    if kind == Counting.LINE:
        assert found.slope is not None
        assert found.start is not None
        assert found.slope.shape == found.start.shape == (128,)
        assert (found.slope[:70] == found.slope[0]).all()
        assert not found.slope[70:].any()
    assert plan_counting(even, SUMS, 70, wide=True).counting == Counting.SEARCH


def test_thresholds_are_cut_to_the_sums_and_one_more() -> None:
    cut = levels("t", [-99, 5, 12])
    found = plan_counting(cut, Interval(-10, 10), 1, wide=False)
    searched = plan_counting(cut, Interval(-10, 10), 1, wide=True)
    assert searched.thresholds is not None
    assert searched.thresholds.tolist() == [[-10, 5, 11]]
    assert found.counting == Counting.LINE
    bytewise = count_bytes(cut, Interval(-10, 10), -10, 70)
    assert bytewise is not None
    assert bytewise.thresholds is not None
    assert bytewise.thresholds[:, :70].tolist() == [[0] * 70, [15] * 70, [21] * 70]
    assert (bytewise.thresholds[:, 70:] == 255).all()
    assert (bytewise.counting, bytewise.low, bytewise.step) == (Counting.BYTES, 0, 1)


def test_bytes_are_compared_with_24_levels_up_to_255() -> None:
    many = levels("t", range(24))
    assert count_bytes(many, Interval(0, 255), 0, 1) is not None
    assert count_bytes(levels("t", range(25)), Interval(0, 255), 0, 1) is None
    assert count_bytes(levels("t", [255]), Interval(0, 255), 0, 1) is not None
    assert count_bytes(levels("t", [256]), Interval(0, 255), 0, 1) is None


def test_shorts_are_compared_with_7_levels() -> None:
    start = np.array([100, -101, 0])
    found = count_shorts(levels("t", [-(2**40), 0, 9, 10, 2**40], offset=4, step=2), start, 10)
    assert found is not None
    assert found.thresholds is not None
    expected = [
        [-(2**15), -11, -10, -10, 2**15 - 1],  # x > t - 1, of 100 + 10 * x >= t
        [-(2**15), 10, 10, 11, 2**15 - 1],
        [-(2**15), -1, 0, 0, 2**15 - 1],
    ]
    assert found.thresholds.T[:3].tolist() == expected
    assert (found.thresholds.T[3:] == 2**15 - 1).all()
    assert found.thresholds.shape == (5, 64)
    assert (found.counting, found.levels, found.low, found.step) == (Counting.SHORTS, 5, 4, 2)
    assert count_shorts(levels("t", range(7)), start, 1) is not None
    assert count_shorts(levels("t", range(8)), start, 1) is None


# --- lines


@pytest.mark.parametrize(
    ("low", "high", "found"),
    [
        (2.0, 5.0, 3.5),
        (-np.inf, 5.0, 4.0),
        (3.0, np.inf, 4.0),
        (-np.inf, np.inf, 1.0),
    ],
)
def test_a_middle_is_one_inside_an_open_range(low: float, high: float, found: float) -> None:
    assert _between(np.array([low]), np.array([high])).tolist() == [found]


@pytest.mark.parametrize(
    ("thresholds", "values", "first", "spacing"),
    [
        ([0, 10, 20], (-10, 200), -10.5, 10.0),  # spacing within 9.5 and 10.5
        ([0, 4], (-10, 200), -4.5, 4.0),  # within 3 and 5
        ([0, 100, 300], (-10, 150), -100.5, 100.0),  # no value reaches the last
        ([-10, 0, 10], (-10, 200), -21.125, 10.25),  # every value reaches the first
        ([5], (-10, 200), 3.5, 1.0),  # 1 is as good as any
    ],
)
def test_lines_lie_in_the_middle_of_what_counts(
    thresholds: list[int], values: tuple[int, int], first: float, spacing: float
) -> None:
    found = _inverse_lines(np.array([thresholds]), Interval(*values))
    assert found is not None
    assert (found[0].item(), found[1].item()) == (first, spacing)
    lines = fit_lines(np.array([thresholds]), Interval(*values))
    assert lines is not None
    assert lines[0].dtype == np.float32
    assert lines[0].item() == pytest.approx(1 / spacing)
    assert lines[1].item() == pytest.approx(-first / spacing)


def test_large_values_need_the_finer_line() -> None:
    thresholds = 2**26 + 3 * np.arange(40)[None]
    lines = fit_lines(thresholds, Interval(0, 2**27))
    assert lines is not None
    assert lines[0].dtype == np.float64


# --- gradients


def test_fields_have_a_margin() -> None:
    found = Field(3, 5, 7, margin=(1, 2, 3, 4), place=100)
    assert (found.line, found.begin) == (11 * 7, 100 + 77 + 14)
    assert found.size == 7 * 77


@pytest.mark.parametrize(("width", "inputs", "most"), [(2, 8, 4), (2, 9, 1), (3, 30, 1)])
def test_weights_lie_in_tiles_of_64_outputs_and_64_inputs(
    width: int, inputs: int, most: int
) -> None:
    weights = np.random.default_rng(1).integers(-9, 10, (5, width, inputs, 70))
    span, expected = width * inputs, list[float]()
    lanes = -(-span // 16) * 16
    for ky in range(0, 5, most):
        for lane in range(0, span, 64):
            for first in range(0, 70, 64):
                for output in range(first, min(first + 64, 70)):
                    for row in range(ky, min(ky + most, 5)):
                        for at in range(lane, min(lane + 64, lanes)):
                            value = weights[row].reshape(span, 70)[at, output] if at < span else 0
                            expected.append(float(value))
    assert _tiles(weights).tolist() == expected


@pytest.mark.parametrize(("pixels", "images"), [(2047, 8), (2048, 8), (2049, 1)])
def test_small_gradients_go_back_8_images_at_a_time(pixels: int, images: int) -> None:
    """4 floats of each end's pixels fill 64 kB; the flat end has as many."""
    ops = SumPool(name="s", kernel=(1, 1), stride=(1, 1)), Flatten(name="f")
    plan = plan_gradient(chain(*ops, shape=(1, pixels, 4)), {}, {})
    assert plan is not None
    assert plan.phases == (Phase(2, images),)
    places = [one.place for one in plan.fields]
    step = -(-(4 * pixels + 64) // 16) * 16
    assert places == [0, step, 2 * step]
    assert (plan.block, plan.logits, plan.image) == (8, 2, 0)
