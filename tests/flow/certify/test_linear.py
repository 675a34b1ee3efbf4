# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Linear bounds against trying all inputs and all images."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from squeezed_networks import all_images, ball, squeezed_network

from flow.certify import linear
from flow.certify._form import Form, Lines, product
from flow.certify.linear import LinearBounds
from flow.certify.staircase import Line, Staircases, chosen_slopes
from flow.fuzz import random_network
from flow.integer import Dense, Flatten, IntegerNetwork, Threshold
from flow.integer.incremental import IncrementalNetwork, needed_margins


def _least_margins(network: IntegerNetwork, images: np.ndarray, label: int) -> np.ndarray:
    logits = network.logits(images).astype(np.int64)
    return np.asarray((logits[:, [label]] - logits).min(axis=0))


@given(
    thresholds=st.lists(st.integers(-20, 20), min_size=1, max_size=5),
    low=st.integers(-25, 25),
    width=st.integers(0, 30),
    slope=st.integers(0, 40),
    bits=st.integers(0, 6),
    step=st.integers(1, 3),
)
def test_a_line_touches_its_staircase_and_never_crosses_it(
    *, thresholds: list[int], low: int, width: int, slope: int, bits: int, step: int
) -> None:
    rows = np.array([sorted(thresholds)])
    operation = Threshold(name="t", thresholds=rows, offset=-1, step=step)
    inputs = np.arange(low, low + width + 1)
    truth = operation.apply(inputs.reshape(-1, 1))[:, 0] << bits
    ends = np.array([low]), np.array([low + width])
    stairs = Staircases(operation, *ends, np.array([0]))
    below, above = (side(np.array([slope]), bits) for side in (stairs.below, stairs.above))
    assert (truth - slope * inputs).min() == below.intercept[0]
    assert (truth - slope * inputs).max() == above.intercept[0]


def test_the_chosen_lines_are_those_of_the_convex_hull_at_the_middle() -> None:
    operation = Threshold(name="t", thresholds=np.array([[10]]), offset=0)
    stairs = Staircases(operation, np.array([0]), np.array([20]), np.array([0]))
    below, above = chosen_slopes(stairs, 8)
    middle = [(line.slope[0] * 10 + line.intercept[0]) / 2**line.bits for line in (below, above)]
    assert middle[0] == pytest.approx(1 / 11, abs=0.02)  # from (9, 0) to (20, 1)
    assert middle[1] == pytest.approx(1, abs=0.02)  # from (0, 0) to (10, 1)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    levels=st.integers(1, 2),
    saturating=st.booleans(),
    label=st.integers(0, 3),
    precision=st.sampled_from([1, 3, 6]),
)
def test_no_image_of_the_ball_is_below_its_bounds(
    *, seed: int, levels: int, saturating: bool, label: int, precision: int
) -> None:
    network = squeezed_network(seed, levels=levels, saturating=saturating)
    image = np.random.default_rng(seed).integers(80, 180, network.input_shape, dtype=np.uint8)
    bounds, _ = LinearBounds(network).margins(*ball(image, 30), label, precision=precision)
    assert (bounds <= _least_margins(network, all_images(network, image, 30), label)).all()


@pytest.mark.parametrize("seed", range(60))
def test_they_hold_for_every_operation(seed: int) -> None:
    network = random_network(seed)
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, network.input_shape, dtype=np.uint8)
    low, high = ball(image, int(rng.integers(0, 8)))
    drawn = rng.integers(low, high.astype(int) + 1, (200, *network.input_shape)).astype(np.uint8)
    drawn[0], drawn[1] = low, high
    bounds, _ = LinearBounds(network).margins(low, high, 0, precision=4)
    assert (bounds <= _least_margins(network, drawn, 0)).all()


def test_one_image_has_its_own_margins() -> None:
    network = squeezed_network(3)
    image = np.random.default_rng(3).integers(0, 256, network.input_shape, dtype=np.uint8)
    bounds, _ = LinearBounds(network).margins(image, image, 1, precision=6)
    assert (bounds == _least_margins(network, image[None], 1)).all()


def _difference() -> IntegerNetwork:
    """Return a network whose sums cancel behind a staircase: 0 or 1 remains of ten levels."""
    levels = np.arange(10, 110, 10)[None]
    return IntegerNetwork(
        (
            Flatten(name="flat"),
            Dense(name="copy", weights=np.ones((1, 2), np.int64)),
            Threshold(name="steps", thresholds=levels, offset=0),
            Dense(name="last", weights=np.array([[3, 0], [-3, 0]])),
        ),
        (1, 1, 1),
        1.0,
    )


def test_what_cancels_is_seen_where_intervals_see_nothing() -> None:
    network, low, high = _difference(), np.zeros((1, 1, 1), np.uint8), np.full((1, 1, 1), 99)
    high = high.astype(np.uint8)
    intervals = IncrementalNetwork(network).margin_bounds(low, high, 0)[0][1]
    lines = LinearBounds(network).margins(low, high, 0, precision=6)[0][1]
    assert intervals == -27
    assert -6 <= lines <= 0


def test_ties_are_the_argmaxs() -> None:
    operations = (Flatten(name="flat"), Dense(name="last", weights=np.ones((4, 3), np.int64)))
    network = IntegerNetwork(operations, (2, 2, 1), 1.0)
    low, high = np.zeros((2, 2, 1), np.uint8), np.full((2, 2, 1), 255, np.uint8)
    for label in range(3):
        bounds = LinearBounds(network).margins(low, high, label, precision=6)[0]
        assert (bounds == 0).all()
        assert (bounds >= needed_margins(label, 3)).all() == (label == 0)


def test_sums_beyond_64_bits_are_refused() -> None:
    large = np.full((1, 4), 2**31)
    with pytest.raises(OverflowError, match="a sum might leave 64 bits"):
        product(large, np.full((4, 1), 2**28))
    assert product(large, np.full((4, 1), 2**27)) == 2**60
    form = Form(held={1: large}, constant=np.zeros(1, np.int64))
    steep = Line(slope=np.ones(4, np.int64), intercept=np.zeros(4, np.int64), bits=31)
    with pytest.raises(OverflowError, match="a sum might leave 64 bits"):
        form.replace(0, large, Lines(below=steep, above=steep))


def test_a_network_of_too_many_weights_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linear, "MOST_WEIGHTS", 100)
    with pytest.raises(OverflowError, match=r"weights are more than 100"):
        LinearBounds(squeezed_network(3))
