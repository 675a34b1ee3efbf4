# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The twin's plan, its lines and its windows, by hand."""

from typing import Any

import numpy as np
import pytest
import torch
from short_chains import chain, levels

from flow.integer import (
    Add,
    Bias,
    Convolution,
    Dense,
    Flatten,
    Interval,
    MaxPool,
)
from flow.integer._twin_native import _first, window_of
from flow.integer._twin_plan import plan_twin
from flow.integer._twin_windows import half_window
from flow.integer.twin import Twin, _staircase
from flow.integer.twin_functions import Staircase


@pytest.mark.parametrize(("largest", "dtype"), [(2**24 - 1, torch.float32), (2**24, torch.float64)])
def test_a_twin_takes_the_float_of_its_largest_number(largest: int, dtype: torch.dtype) -> None:
    flat = Flatten(name="f")
    assert plan_twin(chain(flat, Bias(name="b", values=np.array([largest - 255])))).dtype == dtype
    assert plan_twin(chain(flat, levels("t", [0, largest]))).dtype == dtype
    assert plan_twin(chain(flat, levels("t", [-largest, 0]))).dtype == dtype
    if largest == 2**24:
        products = Dense(name="d", weights=np.array([[2**15], [-(2**15) - 2**9]]))
        assert plan_twin(chain(flat, products, shape=(1, 1, 2))).dtype == torch.float64


def test_values_are_whole_from_the_first_threshold_on() -> None:
    ops = (
        MaxPool(name="p", kernel=(1, 1), stride=(1, 1)),
        levels("t", [4, 9]),
        Convolution(name="c", weights=np.ones((1, 1, 1, 1), dtype=np.int64)),
        Add(name="a", inputs=("p", "c"), factors=(1, 1)),
        Flatten(name="f"),
    )
    steps = plan_twin(chain(*ops)).steps
    assert [step.whole for step in steps] == [False, False, True, False, False]
    assert steps[2].values == Interval(0, 2)


@pytest.mark.parametrize(
    ("most", "products", "half"),
    [(5, [Dense(name="d", weights=np.array([[3, 0], [4, 0]]))], 2.5 * 5), (129, [], 64.5)],
)
def test_the_window_of_a_lone_threshold(most: int, products: list[Dense], half: float) -> None:
    """Weights 3 and 4 of norm 5 times half of 0..5; where there is no product, half of 0..129."""
    lone = levels("t1", [7], offset=-1, step=2)
    start = levels("t0", range(1, most + 1)), Flatten(name="f")
    whole = chain(*start, *products, lone, shape=(1, 1, 2))
    found = half_window(whole, lone)
    assert found is not None
    assert found.tolist() == pytest.approx([half])
    assert half_window(whole, levels("several", [1, 2])) is None


def test_each_channel_has_a_window_of_half_a_unit_at_least() -> None:
    weights = np.array([[3, 0, 1], [4, 0, 0]])
    lone = levels("t", [7], [8], [9])
    whole = chain(Flatten(name="f"), Dense(name="d", weights=weights), lone, shape=(1, 1, 2))
    found = half_window(whole, lone)
    assert found is not None
    assert found.tolist() == pytest.approx([637.5, 0.5, 127.5])


def staircase(*rows: list[int], values: tuple[int, int] = (-1000, 1000)) -> Staircase:
    step: Any = type("Step", (), {"values": Interval(*values)})
    return _staircase(np.array(rows), step, None, 2, torch.float32)


def test_a_line_goes_through_the_first_and_the_last_threshold() -> None:
    """Where none counts; a gradient's slope is (T - 1) / (last - first), at most 1."""
    found = staircase([0, 1, 90], [5, 5, 5])
    assert not found.counts
    assert found.pull.ravel().tolist() == pytest.approx([2 / 90, 1.0])
    assert found.slope.ravel().tolist() == pytest.approx([2 / 90, 1.0])
    assert found.start.ravel().tolist() == pytest.approx([1.0, 1 - 5.0])
    even = staircase([0, 10, 20])
    assert even.counts
    assert even.pull.ravel().tolist() == pytest.approx([0.1])
    lone = staircase([7])
    assert lone.pull.ravel().tolist() == [1.0]


def test_the_window_of_a_staircase_ends_half_a_step_outside() -> None:
    """The line is 1 at 0 and 3 at 90: 1/2 at -22.5 and 7/2 at 112.5."""
    found = window_of(staircase([0, 1, 90]), Interval(-1000, 1000))
    assert (found.low.tolist(), found.high.tolist()) == ([-22], [112])
    assert (found.low.dtype, found.high.dtype) == (np.int32, np.int32)
    inner = window_of(staircase([0, 1, 90]), Interval(-10, 50))
    assert (inner.low.tolist(), inner.high.tolist()) == ([-10], [50])


@pytest.mark.parametrize(("from_", "first"), [(-99, -8), (-8, -8), (0, 0), (9, 9), (10, 10)])
def test_the_first_value_that_has_reached(from_: int, first: int) -> None:
    found = _first(lambda whole: whole >= from_, Interval(-8, 9), 2)
    assert found.tolist() == [first, first]


def test_only_whole_images_of_float32_go_through_the_engine() -> None:
    twin = Twin(chain(Flatten(name="f"), Dense(name="d", weights=np.array([[3]]))))
    whole = torch.tensor([0.0, 255.0]).view(2, 1, 1, 1)
    assert twin._is_whole(whole)
    for other in (whole + 0.5, whole - 1, whole + 1):
        assert not twin._is_whole(other)
    wide = Twin(chain(Flatten(name="f"), Dense(name="d", weights=np.array([[2**20]]))))
    assert wide.dtype == torch.float64
    assert not wide._is_whole(whole)
