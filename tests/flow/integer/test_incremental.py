# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The incremental engine against the reference network and against trying all images."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from squeezed_networks import all_images, ball, squeezed_network, truly_robust

from flow.certify.checker import Network, load
from flow.certify.checker.lines import margins
from flow.errors import FlowError
from flow.fuzz import random_network
from flow.integer import Dense, Flatten, IntegerNetwork
from flow.integer.incremental import IncrementalNetwork, cell_numbers, cells_of, needed_margins
from flow.integer.incremental._library import load as load_library

SEEDS = st.integers(0, 2**32 - 1)


def _margins(network: IntegerNetwork, images: np.ndarray, label: int) -> np.ndarray:
    logits = network.logits(images).astype(np.int64)
    return logits[:, label, None] - logits


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS)
def test_margins_of_single_images_are_those_of_the_reference(seed: int) -> None:
    network = random_network(seed)
    engine, rng = IncrementalNetwork(network), np.random.default_rng(seed)
    for image in rng.integers(0, 256, (4, *network.input_shape), dtype=np.uint8):
        label = int(rng.integers(network.classes))
        low, high = engine.margin_bounds(image, image, label)
        expected = _margins(network, image[None], label)[0]
        assert (low == expected).all()
        assert (high == expected).all()


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, epsilon=st.integers(0, 100))
def test_the_checker_bounds_no_looser_whatever_was_asked_before(
    seed: int, epsilon: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    network, rng = random_network(seed), np.random.default_rng(seed)
    path = tmp_path_factory.mktemp("network") / "network.npz"
    network.save(path)
    engine, other = IncrementalNetwork(network), Network(load(path))
    for image in rng.integers(0, 256, (3, *network.input_shape), dtype=np.uint8):
        label, (low, high) = int(rng.integers(network.classes)), ball(image, epsilon)
        ends = other.run(low[None], high[None])
        checked = margins(other, ends, label, lines={})[0]  # sums in a row are one sum there
        least, _ = engine.margin_bounds(low, high, label)
        assert (least == checked).all() if epsilon == 0 else (least <= checked).all()


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, epsilon=st.integers(1, 60))
def test_no_image_of_a_box_leaves_its_bounds(seed: int, epsilon: int) -> None:
    network, rng = random_network(seed), np.random.default_rng(seed)
    image = rng.integers(0, 256, network.input_shape, dtype=np.uint8)
    low, high = ball(image, epsilon)
    drawn = rng.integers(low, high, (20, *low.shape), endpoint=True, dtype=np.uint8)
    label = int(rng.integers(network.classes))
    least, most = IncrementalNetwork(network).margin_bounds(low, high, label)
    margins = _margins(network, drawn, label)
    assert (least <= margins).all()
    assert (margins <= most).all()


def test_bounds_of_one_layer_are_attained() -> None:
    weights = np.array([[3, -1], [-2, 4]])
    network = IntegerNetwork(
        (Flatten(name="flat"), Dense(name="last", weights=weights)), (1, 2, 1), 1.0
    )
    low, high = np.array([[[10], [20]]], np.uint8), np.array([[[12], [23]]], np.uint8)
    least, most = IncrementalNetwork(network).margin_bounds(low, high, 0)
    assert (least[1], most[1]) == (4 * 10 - 6 * 23, 4 * 12 - 6 * 20)


@settings(max_examples=80, deadline=None)
@given(seed=SEEDS, levels=st.integers(1, 2), saturating=st.booleans(), label=st.integers(0, 3))
def test_decisions_are_those_of_trying_all_images(
    seed: int, levels: int, saturating: bool, label: int
) -> None:
    network = squeezed_network(seed, levels=levels, saturating=saturating)
    image = np.random.default_rng(seed).integers(80, 180, network.input_shape, dtype=np.uint8)
    cells = cells_of(cell_numbers(network), image, 30)
    found = IncrementalNetwork(network).decide(image, label, cells, evaluations=10**6)
    robust = truly_robust(network, image, label, 30)
    assert found.answer == ("robust" if robust else "adversarial")
    if found.image is not None:
        assert network.logits(found.image[None])[0].argmax() != label
        assert np.abs(found.image.astype(int) - image).max() <= 30


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, levels=st.integers(1, 3))
def test_a_flip_search_finds_the_least_slack_of_few_images(seed: int, levels: int) -> None:
    network = squeezed_network(seed, levels=levels, shape=(2, 3, 1))
    image = np.random.default_rng(seed).integers(80, 180, network.input_shape, dtype=np.uint8)
    label = int(network.logits(image[None])[0].argmax())
    cells, need = cells_of(cell_numbers(network), image, 30), needed_margins(label, 4)
    found = IncrementalNetwork(network).flip(
        image, label, cells, starts=cells.clean[None], evaluations=3000, seed=1
    )
    slacks = np.delete(_margins(network, all_images(network, image, 30), label) - need, label, 1)
    assert found.slack == slacks.min() or (found.slack < 0 and slacks.min() < 0)
    own = np.delete(_margins(network, found.image[None], label) - need, label, 1)
    assert found.slack == own.min()
    assert found.evaluations <= 3000


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, epsilon=st.integers(0, 255))
def test_cells_part_the_ball_by_what_the_thresholds_see(seed: int, epsilon: int) -> None:
    network = squeezed_network(seed, levels=3, shape=(2, 2, 2))
    image = np.random.default_rng(seed).integers(0, 256, network.input_shape, dtype=np.uint8)
    squeeze, cells = network.operations[0], cells_of(cell_numbers(network), image, epsilon)
    low, high = ball(image, epsilon)
    ends = squeeze.apply(low[None].astype(np.int64)), squeeze.apply(high[None].astype(np.int64))
    assert (np.flatnonzero(ends[0] != ends[1]) == cells.pixel).all()
    for place in range(cells.count):
        own = slice(cells.start[place], cells.start[place + 1])
        assert cells.low[own][0] == low.flat[cells.pixel[place]]
        assert cells.high[own][-1] == high.flat[cells.pixel[place]]
        assert (cells.low[own][1:] == cells.high[own][:-1] + 1).all()
    assert (cells.of(image) == cells.clean).all()
    assert (cells.image(image, cells.clean) == image).all()


def test_extremes_keep_the_ends_and_the_clean_cell() -> None:
    network = IntegerNetwork(
        (Flatten(name="flat"), Dense(name="last", weights=np.ones((1, 2), np.int64))),
        (1, 1, 1),
        1.0,
    )
    image = np.full((1, 1, 1), 7, np.uint8)
    cells = cells_of(cell_numbers(network), image, 5)
    assert cells.combinations == 11
    assert cells.extremes().pick.tolist() == [2, 7, 12]
    assert cells.extremes().clean.tolist() == [1]


def test_a_search_that_may_not_go_on_says_unknown() -> None:
    network = squeezed_network(3)
    image = np.full(network.input_shape, 128, np.uint8)
    for label in range(4):
        cells = cells_of(cell_numbers(network), image, 60)
        found = IncrementalNetwork(network).decide(image, label, cells, evaluations=1)
        assert found.answer in ("robust", "adversarial", "unknown")
        assert found.evaluations <= 3


def test_an_image_of_another_size_is_refused() -> None:
    engine = IncrementalNetwork(squeezed_network(0))
    image = np.zeros((4, 3, 1), np.uint8)
    with pytest.raises(FlowError, match=r"uint8\[4, 3, 1\] is not uint8\[3, 3, 1\]"):
        engine.margin_bounds(image, image, 0)


def test_a_label_that_there_is_not_is_refused() -> None:
    engine = IncrementalNetwork(squeezed_network(0))
    image = np.zeros((3, 3, 1), np.uint8)
    with pytest.raises(FlowError, match=r"label 4 is not within 0\.\.3"):
        engine.margin_bounds(image, image, 4)


def test_a_box_without_images_is_refused() -> None:
    engine = IncrementalNetwork(squeezed_network(0))
    image = np.zeros((3, 3, 1), np.uint8)
    with pytest.raises(FlowError, match="low is above high"):
        engine.margin_bounds(image + 1, image, 0)


def test_weights_beyond_32_bits_are_refused() -> None:
    weights = np.array([[2**31, 0]])
    with pytest.raises(FlowError, match=r"do not fit int32|does not fit 32 bits"):
        IncrementalNetwork(
            IntegerNetwork((Flatten(name="f"), Dense(name="d", weights=weights)), (1, 1, 1), 1.0)
        )


def test_a_missing_library_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FlowError, match=r"incremental engine: .*cannot be loaded.*pip install"):
        load_library(tmp_path / "kernels.so")
