# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Operations, their bounds and the files, by numbers at their limits."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from short_chains import chain, levels

from flow.errors import FlowError
from flow.integer import (
    IMAGE,
    Add,
    Bias,
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
    SumPool,
    Threshold,
    Unflatten,
    network,
)
from flow.integer._operation import spatial_shape
from flow.integer.bounds import exact_float
from flow.integer.description import activation_bits, in_words
from flow.integer.selection import selection_of
from flow.integer.taken import taken_rows
from hw.accelerator.preprocessing import Preprocessing

# --- bounds


@pytest.mark.parametrize(
    ("largest", "kind"),
    [
        *((2**24 - 1, np.float32), (2**24, np.float64)),
        *((2**53 - 1, np.float64), (2**53, None)),
    ],
)
def test_floats_are_exact_below_their_limits(largest: int, kind: type | None) -> None:
    assert exact_float(largest) is kind


def test_intervals_by_hand() -> None:
    assert Interval(3, 7).including_zero() == Interval(0, 7)
    assert Interval(-7, -3).including_zero() == Interval(-7, 0)
    assert (Interval(-9, 4).magnitude(), Interval(-4, 9).magnitude()) == (9, 9)
    weights = np.array([[2, -1], [-3, 0]])
    assert Interval(-1, 4).of_products(weights) == Interval(-2 - 12, 8 + 3)


# --- ranges and shapes


@pytest.mark.parametrize(
    ("operation", "ranges", "found"),
    [
        (
            levels("t", [5, 9, 12], [6, 9, 11], offset=-3, step=2),
            [(5, 11)],
            (-3, 3),
        ),
        (levels("t", [5, 9], [4, 9], offset=1), [(5, 8)], (2, 2)),
        (levels("t", [5, 9], [6, 8], offset=1), [(5, 8)], (1, 3)),
        (Add(name="a", factors=(2, -3)), [(-1, 4), (5, 6)], (-20, -7)),
        (Bias(name="b", values=np.array([3, -2, 7])), [(1, 2)], (-1, 9)),
        (Concat(name="c"), [(1, 4), (0, 2), (3, 9)], (0, 9)),
        (Scale(name="s", factors=np.array([[2, 3]])), [(-1, 4)], (-3, 12)),
        (Scale(name="s", factors=np.array([[2, 3]])), [(1, 4)], (2, 12)),
        (SumPool(name="p", kernel=(2, 3), stride=(1, 1)), [(2, 4)], (12, 24)),
        (SumPool(name="p", kernel=(2, 3), stride=(1, 1), padding=(0, 0, 0, 1)), [(2, 4)], (0, 24)),
    ],
)
def test_ranges_are_reached(
    operation: Operation, ranges: list[tuple[int, int]], found: tuple[int, int]
) -> None:
    assert operation.output_range(*(Interval(*one) for one in ranges)) == Interval(*found)


def test_windows_fit_a_last_time() -> None:
    found = spatial_shape((10, 9), (3, 2), (2, 3), (1, 0, 2, 1))
    assert found == ((10 + 3 - 3) // 2 + 1, (9 + 1 - 2) // 3 + 1)
    whole = MaxPool(name="p", kernel=(4, 5), stride=(1, 1))
    assert whole.output_shape((4, 5, 2)) == (1, 1, 2)
    with pytest.raises(FlowError, match=r"p: a window of 4x5 does not fit input \(4, 4, 2\)"):
        whole.output_shape((4, 4, 2))
    with pytest.raises(FlowError, match=r"p: a window of 4x5 does not fit input \(20,\)"):
        whole.output_shape((20,))


@pytest.mark.parametrize(
    ("padding", "fits"),
    [
        *(((1, 2, 1, 2), True), ((2, 0, 0, 0), False), ((0, 3, 0, 0), False)),
        *(((0, 0, 2, 0), False), ((0, 0, 0, 3), False)),
    ],
)
def test_padding_is_smaller_than_its_window(padding: Any, fits: bool) -> None:  # noqa: ANN401
    pool = MaxPool(name="p", kernel=(2, 3), stride=(1, 1), padding=padding)
    if fits:
        assert pool.output_shape((5, 5, 1)) == (6, 7, 1)
        return
    with pytest.raises(FlowError, match="is not smaller than its window of 2x3"):
        pool.output_shape((5, 5, 1))


@pytest.mark.parametrize("channels", [1, 3])
def test_one_row_of_thresholds_or_of_biases_is_for_all_channels(channels: int) -> None:
    assert levels("t", *[[1, 1]] * channels).output_shape((2, 2, 3)) == (2, 2, 3)
    assert Bias(name="b", values=np.ones(channels)).output_shape((2, 2, 3)) == (2, 2, 3)
    for wrong in (levels("t", [1], [1]), Bias(name="b", values=np.ones(2))):
        with pytest.raises(FlowError, match=r"do not fit 3 channels"):
            wrong.output_shape((2, 2, 3))


def test_thresholds_tell_where_they_fall() -> None:
    falling = levels("t", [1, 2, 2], [3, 9, 5], [7, 6, 5])
    with pytest.raises(FlowError, match="do not ascend: 9 before 5 in channel 1;"):
        falling.output_shape((2, 2, 3))


@pytest.mark.parametrize(
    ("axis", "shapes", "found"),
    [
        (-1, [(2, 3, 4), (2, 3, 1)], (2, 3, 5)),
        (0, [(2, 3, 4), (5, 3, 4)], (7, 3, 4)),
        (1, [(2, 3, 4), (2, 1, 4), (2, 6, 4)], (2, 10, 4)),
        (-1, [(4,), (3,)], (7,)),
    ],
)
def test_inputs_are_joined_along_an_axis(axis: int, shapes: Any, found: Any) -> None:  # noqa: ANN401
    joined = Concat(name="c", axis=axis)
    assert joined.output_shape(*shapes) == found
    values = [np.full((2, *shape), number) for number, shape in enumerate(shapes)]
    assert joined.apply(*values).shape == (2, *found)


def test_inputs_that_differ_elsewhere_are_not_joined() -> None:
    with pytest.raises(FlowError, match="differ in more than their channels"):
        Concat(name="c").output_shape((2, 3, 4), (2, 4, 4))
    with pytest.raises(FlowError, match="differ in more than axis 1"):
        Concat(name="c", axis=1).output_shape((2, 3, 4), (2, 4, 5))
    with pytest.raises(FlowError, match=r"axis 0 of \(4,\) is neither"):
        Concat(name="c", axis=0).output_shape((4,), (4,))
    with pytest.raises(FlowError, match=r"axis -2 of \(2, 3, 4\) is neither"):
        Concat(name="c", axis=-2).output_shape((2, 3, 4), (2, 3, 4))


@pytest.mark.parametrize("places", [[[0, 3]], [[3], [3]]])
def test_places_are_rows_of_the_input(places: list[list[int]]) -> None:
    assert Gather(name="g", places=np.array(places), channels=2).output_shape((2, 2, 2))[2] == 2


@pytest.mark.parametrize(
    ("places", "channels"), [([[0, 4]], 2), ([[-1, 0]], 2), ([0, 1], 2), ([[0]], 0), ([[]], 2)]
)
def test_places_that_are_not_are_refused(places: Any, channels: int) -> None:  # noqa: ANN401
    gather = Gather(name="g", places=np.array(places, dtype=np.int64), channels=channels)
    with pytest.raises(FlowError, match="g: "):
        gather.output_shape((2, 2, 2))


def test_convolutions_know_their_kind() -> None:
    def of(inputs: int, groups: int) -> Convolution:
        return Convolution(name="c", weights=np.ones((2, 3, inputs, 4)), groups=groups)

    assert (of(1, 4).depthwise, of(1, 2).depthwise) == (True, True)
    assert (of(1, 1).depthwise, of(2, 2).depthwise) == (False, False)
    assert of(1, 4).kernel == (2, 3)
    with pytest.raises(FlowError, match=r"input shape \(5, 5, 3\) is not \(H, W, 3\)"):
        of(1, 3).output_shape((5, 5, 3))  # 4 outputs of 3 groups


def test_rows_that_are_taken() -> None:
    joined = taken_rows(Concat(name="c", axis=1), [(2, 1, 3), (2, 2, 3)])
    assert joined.tolist() == [[0, 0, 1], [1, 0, 1], [1, 1, 1], [0, 1, 1], [1, 2, 1], [1, 3, 1]]
    scaled = taken_rows(Scale(name="s", factors=np.array([[5], [7]])), [(2, 1, 3)])
    assert scaled.tolist() == [[0, 0, 5], [0, 1, 7]]
    taken = taken_rows(Gather(name="g", places=np.array([[3, 1]]), channels=3), [(2, 2, 3)])
    assert taken.tolist() == [[0, 3, 1], [0, 1, 1]]


# --- selections


@pytest.mark.parametrize(
    ("places", "size", "found"),
    [
        ([[0, 1], [4, 5]], (2, 4), ((2, 4), [0, 1], [0, 1])),
        ([[0, 1], [3, 4]], (2, 4), ((1, 8), [0], [0, 1, 3, 4])),
        ([[0, 1], [3, 4]], (2, 3), ((2, 3), [0, 1], [0, 1])),
        ([[1, 1], [3, 3]], (4, 4), ((16, 1), [1, 3], [0, 0])),
        ([[0, 0], [0, 0]], (1, 1), ((1, 1), [0, 0], [0, 0])),
        ([[2, 3]], (2, 2), ((2, 2), [1], [0, 1])),
    ],
)
def test_rows_and_columns_of_the_first_width_that_fits(
    places: list[list[int]],
    size: tuple[int, int],
    found: tuple[tuple[int, int], list[int], list[int]],
) -> None:
    selection = selection_of(np.array(places), size)
    assert selection is not None
    assert (selection.size, selection.rows.tolist(), selection.columns.tolist()) == found


# --- graphs and networks


def test_logits_fit_int32() -> None:
    def ending(bias: int) -> IntegerNetwork:
        return chain(Flatten(name="f"), Bias(name="b", values=np.array([bias])))

    assert ending(2**31 - 256).ranges()["b"].hi == 2**31 - 1
    for beyond in (2**31 - 255, -(2**31)):
        with pytest.raises(FlowError, match=r"do not fit int32"):
            ending(beyond)


def test_names_are_known_and_used_once() -> None:
    with pytest.raises(FlowError, match="f: its input 'x' is no operation before it"):
        chain(Flatten(name="f", inputs=("x",)))
    for names in (("f", "f"), ("image", "f")):
        with pytest.raises(FlowError, match=rf"two operations are called '{names[0]}'"):
            chain(*(Flatten(name=name) for name in names))


@pytest.mark.parametrize(
    ("scale", "offset", "first"),
    [(1.0, 0.0, 1), (0.5, -1.0, 3), (0.5, -1.25, 3), (2.0, 3.0, -1), (1.0, 0.5, 0)],
)
def test_a_single_logit_is_positive_from(scale: float, offset: float, first: int) -> None:
    single = chain(Flatten(name="f"), scale=scale, offset=offset)
    assert single.positive_from == first
    logits = np.arange(first - 2, first + 3, dtype=np.int32)[:, None]
    assert single.labels(logits).tolist() == [0, 0, 1, 1, 1]
    assert (single.decode(logits)[:, 0] > 0).tolist() == [False, False, True, True, True]
    several = chain(Flatten(name="f"), shape=(1, 1, 2))
    assert several.labels(np.array([[1, 1], [0, 1]], dtype=np.int32)).tolist() == [0, 1]


def test_256_images_are_run_at_a_time() -> None:
    seen = []

    class Watched(Flatten):
        def apply(self, *values: Any) -> Any:  # noqa: ANN401
            seen.append(len(values[0]))
            return super().apply(*values)

    images = np.arange(513, dtype=np.uint16).astype(np.uint8).reshape(-1, 1, 1, 1)
    assert chain(Watched(name="f")).logits(images)[:, 0].tolist() == images.ravel().tolist()
    assert seen == [256, 256, 1]
    assert network._BATCH == 256


def test_a_file_has_everything(tmp_path: Path) -> None:
    preprocessing = Preprocessing(
        shape=(1, 1, 2, 1), axes=(0, 2, 3, 1), scale=(0.5,), offset=(0.25,)
    )
    saved = chain(
        MaxPool(name="p", kernel=(2, 1), stride=(1, 1)),
        Flatten(name="f"),
        *(
            Add(name="a", inputs=("f", "f"), factors=(2, -1)),
            levels("t", [4, 9], offset=-2, step=3),
        ),
        shape=(2, 1, 1),
        scale=0.25,
        offset=-3.5,
        preprocessing=preprocessing,
    )
    path = tmp_path / "network.npz"
    saved.save(path)
    loaded = IntegerNetwork.load(path)
    assert (loaded.scale, loaded.offset, loaded.input_shape) == (0.25, -3.5, (2, 1, 1))
    assert loaded.preprocessing == preprocessing
    last = loaded.operations[-1]
    assert isinstance(last, Threshold)
    assert (last.offset, last.step, last.thresholds.tolist()) == (-2, 3, [[4, 9]])
    assert loaded.operations[2].inputs == ("f", "f")


# --- in words


def test_runs_and_kinds_of_layers_in_words() -> None:
    ops: list[Operation] = [
        Convolution(name=f"c{index}", weights=np.ones((kernel, kernel, inputs, outputs)))
        for index, (kernel, inputs, outputs) in enumerate(
            [(3, 1, 4), (1, 4, 4), (3, 4, 6), (1, 6, 6)]
        )
    ]
    ops += [MaxPool(name=f"p{index}", kernel=(1, 1), stride=(1, 1)) for index in range(2)]
    ops += [Flatten(name="f"), *(Dense(name=f"d{n}", weights=np.ones((6, 6))) for n in range(2))]
    last = [Dense(name="d", weights=np.ones((6, 3))), Unflatten(name="u"), Flatten(name="g")]
    found = chain(*ops, *last, shape=(5, 5, 1))
    assert in_words(found) == (
        "4 convolutions (3x3, 1x1) to 4 (2 times) and 6 (2 times) channels, 2 max pools, "
        "3 linear layers to 6 (2 times) and 3"
    )
    assert activation_bits(chain(Flatten(name="f"), levels("t", [1, 2, 3, 4]))) == (3,)


def test_the_image_is_read_by_its_name() -> None:
    assert IMAGE == "image"
