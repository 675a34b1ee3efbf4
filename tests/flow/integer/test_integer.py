# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The integer network against loops over Python integers, its proven ranges and its torch twin."""

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from flow.errors import FlowError
from flow.integer import (
    Concat,
    Convolution,
    Dense,
    Flatten,
    Gather,
    IntegerNetwork,
    Interval,
    MaxPool,
    Operation,
    Scale,
    Threshold,
    Unflatten,
)
from flow.integer.native import NativeNetwork
from flow.integer.selection import selection_of


def _convolution(
    rng: np.random.Generator, *, inputs: int, outputs: int, kernel: int, stride: int, pad: int
) -> Convolution:
    weights = rng.integers(-7, 8, (kernel, kernel, inputs, outputs))
    padding = (pad, 0, pad, pad)
    return Convolution(name="conv", weights=weights, stride=(stride, stride), padding=padding)


def _convolve_by_loops(operation: Convolution, image: np.ndarray) -> np.ndarray:
    height, width, outputs = operation.output_shape(image.shape)
    top, left, _, _ = operation.padding
    result = np.zeros((height, width, outputs), dtype=object)
    for y, x, o in np.ndindex(result.shape):
        for i, j, c in np.ndindex(operation.weights.shape[:3]):
            row, column = y * operation.stride[0] + i - top, x * operation.stride[1] + j - left
            if 0 <= row < image.shape[0] and 0 <= column < image.shape[1]:
                result[y, x, o] += int(image[row, column, c]) * int(operation.weights[i, j, c, o])
    return result


@given(
    seed=st.integers(0, 2**32 - 1),
    inputs=st.integers(1, 3),
    kernel=st.integers(1, 3),
    stride=st.integers(1, 2),
    pad=st.integers(0, 1),
)
def test_convolution_equals_loops_over_python_integers(
    seed: int, inputs: int, kernel: int, stride: int, pad: int
) -> None:
    rng = np.random.default_rng(seed)
    operation = _convolution(rng, inputs=inputs, outputs=2, kernel=kernel, stride=stride, pad=pad)
    images = rng.integers(0, 256, (2, 5, 4, inputs))
    result = operation.apply(images)
    for image, found in zip(images, result, strict=True):
        assert (found == _convolve_by_loops(operation, image)).all()


@given(seed=st.integers(0, 2**32 - 1), levels=st.integers(1, 7), offset=st.integers(-4, 4))
def test_threshold_counts_the_levels_reached(seed: int, levels: int, offset: int) -> None:
    rng = np.random.default_rng(seed)
    thresholds = np.sort(rng.integers(-9, 10, (3, levels)), axis=1)
    operation = Threshold(name="t", thresholds=thresholds, offset=offset)
    values = rng.integers(-12, 13, (2, 4, 3))
    expected = [
        offset + sum(int(t) <= int(values[n, i, c]) for t in thresholds[c])
        for n, i, c in np.ndindex(values.shape)
    ]
    assert operation.apply(values).reshape(-1).tolist() == expected


def test_bounds_of_a_dense_layer_are_attained() -> None:
    rng = np.random.default_rng(1)
    operation = Dense(name="d", weights=rng.integers(-7, 8, (9, 4)))
    bounds = operation.output_range(Interval(0, 15))
    lowest = operation.apply(np.where(operation.weights.T < 0, 15, 0))
    highest = operation.apply(np.where(operation.weights.T > 0, 15, 0))
    assert lowest.diagonal().min() == bounds.lo
    assert highest.diagonal().max() == bounds.hi


@given(seed=st.integers(0, 2**32 - 1))
def test_places_are_taken_joined_and_scaled_one_by_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    height, width, channels = (int(n) for n in rng.integers(1, 5, 3))
    values = rng.integers(-9, 10, (2, height, width, channels))
    places = rng.integers(0, height * width, (3, 2))
    taken = Gather(name="g", places=places, channels=channels).apply(values)
    factors = rng.integers(0, 9, (3, 2))
    scaled = Scale(name="s", factors=factors).apply(taken)
    below = Concat(name="c", axis=0).apply(scaled, taken)
    for n, i, j, c in np.ndindex(2, 3, 2, channels):
        row, column = divmod(int(places[i, j]), width)
        assert taken[n, i, j, c] == values[n, row, column, c]
        assert scaled[n, i, j, c] == factors[i, j] * values[n, row, column, c]
        assert below[n, i, j, c] == scaled[n, i, j, c]
        assert below[n, i + 3, j, c] == taken[n, i, j, c]


@given(
    lo=st.integers(-9, 9), size=st.integers(0, 9), factors=st.lists(st.integers(0, 5), min_size=1)
)
def test_bounds_of_a_scale_are_attained(lo: int, size: int, factors: list[int]) -> None:
    scale = Scale(name="s", factors=np.array([factors]))
    ends = np.array([lo, lo + size]).reshape(2, 1, 1, 1).repeat(len(factors), axis=2)
    found = scale.apply(ends)
    assert scale.output_range(Interval(lo, lo + size)) == Interval(found.min(), found.max())


@given(seed=st.integers(0, 2**32 - 1))
def test_a_selection_is_what_whole_rows_and_columns_give(seed: int) -> None:
    rng = np.random.default_rng(seed)
    height, width = (int(n) for n in rng.integers(1, 6, 2))
    rows, columns = (np.sort(rng.integers(0, n, rng.integers(1, 6))) for n in (height, width))
    places = rows[:, None] * width + columns
    found = selection_of(places, (height, width))
    assert found is not None
    again = found.rows[:, None] * found.size[1] + found.columns
    assert again.reshape(-1).tolist() == places.reshape(-1).tolist()
    if len({*places.reshape(-1).tolist()}) > 1:
        assert selection_of(places[::-1, ::-1], (height, width)) is None


@pytest.mark.parametrize("largest_weight", [7, 2**20, 2**40])
def test_products_stay_exact_beyond_float32(largest_weight: int) -> None:
    weights = np.array([[largest_weight, largest_weight - 1], [1, -1]])
    operation = Dense(name="d", weights=weights)
    found = operation.apply(np.array([[255, 1]]))
    assert found.tolist() == [[255 * largest_weight + 1, 255 * (largest_weight - 1) - 1]]


def test_sums_beyond_float64_are_refused() -> None:
    operation = Dense(name="fc", weights=np.array([[2**50]]))
    with pytest.raises(FlowError, match=r"fc: sums of up to \d+ are beyond 2\*\*53"):
        operation.apply(np.array([[255]]))


def test_every_value_lies_in_its_proven_range(tiny_network: IntegerNetwork) -> None:
    images = np.random.default_rng(2).integers(0, 256, (64, 6, 6, 1), dtype=np.uint8)
    ranges = tiny_network.ranges()
    for name, values in tiny_network.activations(images):
        bounds = ranges[name]
        assert bounds.lo <= values.min(), name
        assert values.max() <= bounds.hi, name


def test_no_images_give_no_logits(tiny_network: IntegerNetwork) -> None:
    assert tiny_network.logits(np.zeros((0, 6, 6, 1), dtype=np.uint8)).shape == (0, 5)


def test_saved_network_gives_the_same_logits(tiny_network: IntegerNetwork, tmp_path: Path) -> None:
    path = tmp_path / "network.npz"
    tiny_network.save(path)
    images = np.random.default_rng(4).integers(0, 256, (8, 6, 6, 1), dtype=np.uint8)
    loaded = IntegerNetwork.load(path)
    assert (loaded.logits(images) == tiny_network.logits(images)).all()
    assert loaded.scale == tiny_network.scale


@pytest.mark.parametrize("keep", [0, 100, 700])
def test_damaged_file_is_refused(tiny_network: IntegerNetwork, tmp_path: Path, keep: int) -> None:
    path = tmp_path / "network.npz"
    tiny_network.save(path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(FlowError, match=r"integer network .*: cannot be read .*compile it again"):
        IntegerNetwork.load(path)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((1, 6, 6, 1), dtype=np.float32), "dtype float32 is not uint8"),
        (np.zeros((1, 8, 8, 1), dtype=np.uint8), r"shape \(1, 8, 8, 1\) is not \(N, 6, 6, 1\)"),
        (np.zeros((6, 6, 1), dtype=np.uint8), r"shape \(6, 6, 1\) is not \(N, 6, 6, 1\)"),
    ],
)
def test_other_images_are_refused(
    tiny_network: IntegerNetwork, images: np.ndarray, message: str
) -> None:
    with pytest.raises(FlowError, match=message):
        tiny_network.logits(images)


def test_a_maximum_with_a_row_of_zeros_clamps_a_vector() -> None:
    matrix = np.array([[1, -1, 2], [-1, 1, -1]])
    operations = (
        Flatten(name="f"),
        Dense(name="d", weights=matrix),
        Unflatten(name="u"),
        Convolution(name="z", weights=np.ones((1, 1, 1, 3), int), padding=(0, 0, 1, 0), groups=3),
        MaxPool(name="m", kernel=(2, 1), stride=(1, 1)),
        Flatten(name="g"),
    )
    network = IntegerNetwork(operations, (1, 2, 1), 1.0)
    images = np.array([[9, 1], [1, 9], [5, 5]], dtype=np.uint8).reshape(3, 1, 2, 1)
    expected = np.maximum(images.reshape(3, 2).astype(int) @ matrix, 0)
    np.testing.assert_array_equal(network.logits(images), expected)
    np.testing.assert_array_equal(NativeNetwork(network).logits(images), expected)
    twin = network.twin()(torch.from_numpy(images)).detach().numpy()
    np.testing.assert_array_equal(twin, expected)


@pytest.mark.parametrize(
    ("operations", "scale", "message"),
    [
        ((Flatten(name="f"),), 0.0, r"the scale 0\.0 of the logits is not positive"),
        ((), 1.0, r"the output \(2, 2, 1\) is not a vector"),
        ((Dense(name="fc", weights=np.eye(4)),), 1.0, r"fc: input shape \(2, 2, 1\) is not \(4,\)"),
        (
            (Flatten(name="f"), Dense(name="fc", weights=np.full((4, 1), 2**22))),
            1.0,
            r"logits of up to \d+ do not fit int32",
        ),
        (
            (
                _convolution(
                    np.random.default_rng(0), inputs=3, outputs=1, kernel=1, stride=1, pad=0
                ),
            ),
            1.0,
            r"conv: input shape \(2, 2, 1\) is not \(H, W, 3\)",
        ),
        (
            (Gather(name="g", places=np.array([[0]]), channels=3), Flatten(name="f")),
            1.0,
            r"g: input \(2, 2, 1\) is not made of rows of 3 values",
        ),
        (
            (Gather(name="g", places=np.array([[0, 4]]), channels=1), Flatten(name="f")),
            1.0,
            r"g: places 0 to 4 of shape \(1, 2\) are not rows and columns of the 4 that input",
        ),
        (
            (Scale(name="s", factors=np.array([[1, -1], [1, 1]])), Flatten(name="f")),
            1.0,
            r"s: factors of shape \(2, 2\) from -1 on are not one of at least 0 for each place",
        ),
        (
            (Concat(name="c", inputs=("image", "image"), axis=2), Flatten(name="f")),
            1.0,
            r"c: axis 2 of \(2, 2, 1\) is neither the channels \(-1\) nor height \(0\) or width",
        ),
        (
            (Unflatten(name="u"), Flatten(name="f")),
            1.0,
            r"u: shape \(2, 2, 1\) is not that of a vector; flatten it first",
        ),
        (
            (Threshold(name="t", thresholds=np.zeros((3, 1)), offset=0), Flatten(name="f")),
            1.0,
            "t: 3 rows of thresholds do not fit 1 channels",
        ),
        (
            (Threshold(name="t", thresholds=np.zeros((1, 3)), offset=0, step=0), Flatten(name="f")),
            1.0,
            "t: the step 0 of thresholds is not at least 1; negate the weights before and after it",
        ),
        (
            (Threshold(name="t", thresholds=np.array([[1, 4, 3]]), offset=0), Flatten(name="f")),
            1.0,
            "t: thresholds do not ascend: 4 before 3 in channel 0; sort each channel's",
        ),
        (
            (
                MaxPool(name="p", kernel=(2, 3), stride=(1, 1), padding=(1, 2, 2, 0)),
                Flatten(name="f"),
            ),
            1.0,
            r"p: padding \(1, 2, 2, 0\) \(top, left, bottom, right\) is not smaller than its "
            r"window of 2x3; pad less",
        ),
    ],
)
def test_networks_that_do_not_fit_are_refused(
    operations: tuple[Operation, ...], scale: float, message: str
) -> None:
    with pytest.raises(FlowError, match=message):
        IntegerNetwork(operations, (2, 2, 1), scale)


def _kinds(kind: type[Operation]) -> list[type[Operation]]:
    return [kind, *(one for child in kind.__subclasses__() for one in _kinds(child))]


@pytest.mark.parametrize("kind", _kinds(Operation))
def test_operations_are_fixed_made_by_name_and_compared_as_objects(kind: type[Operation]) -> None:
    assert all(one.kw_only for one in fields(kind))
    assert kind.__dataclass_params__.frozen  # type: ignore[attr-defined]
    assert kind.__eq__ is object.__eq__
