# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What tells a layout and the values of an input: each rule alone, and its limits."""

from fractions import Fraction

import numpy as np
import pytest
from agreement import Body, single
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper

from flow.errors import FlowError, SettingError
from flow.integer.operations import Shape
from flow.lowering import InputEncoding
from flow.lowering.encoding import Layout, image_value
from flow.lowering.graph_writer import GraphWriter


def size_of(
    body: Body, shape: tuple[int, ...], layout: Layout = "auto", annotation: str = ""
) -> tuple[Shape, list[int]]:
    """Return the image's size, and each element's place in it."""
    model = single(body, shape, annotate=False)
    if annotation:
        model.set_tensor_layout("images", list(annotation))
    encoding = None if layout == "auto" else InputEncoding(layout=layout)
    found = image_value(model, "images", encoding).value
    assert found.index.shape == shape
    return found.shape, found.index.ravel().tolist()


def through(*nodes: tuple[str, dict[str, object]]) -> Body:
    def body(graph: GraphWriter, x: str) -> str:
        for kind, attributes in nodes:
            x = graph.node(kind, x, **attributes)
        return x

    return body


PLACES = {"NCHW": [0, 2, 4, 6, 1, 3, 5, 7], "NHWC": [*range(8)]}
POOL = {"kernel_shape": [1, 1]}


@pytest.mark.parametrize(
    ("nodes", "layout"),
    [
        ([("MaxPool", POOL)], "NCHW"),
        ([("AveragePool", POOL)], "NCHW"),
        ([("GlobalAveragePool", {})], "NCHW"),
        ([("Relu", {}), ("Neg", {}), ("MaxPool", POOL)], "NCHW"),
        ([("Transpose", {"perm": [0, 2, 3, 1]})], "NCHW"),
        ([("Transpose", {"perm": [0, 3, 1, 2]})], "NHWC"),
        ([("Transpose", {"perm": [0, 3, 1, 2]}), ("MaxPool", POOL)], "NHWC"),
    ],
)
def test_an_image_s_layout_follows_from_its_first_layer(
    nodes: list[tuple[str, dict[str, object]]], layout: str
) -> None:
    shape = (1, 2, 2, 2)
    assert size_of(through(*nodes), shape) == ((2, 2, 2), PLACES[layout])


def plain(_: GraphWriter, x: str) -> str:
    return x


def test_what_is_behind_a_flatten_says_nothing() -> None:
    def body(graph: GraphWriter, x: str) -> str:
        flat = graph.node("Flatten", x, axis=1)
        return graph.node(
            "MaxPool",
            graph.node("Reshape", flat, graph.constant(np.array([1, 2, 2, 2]))),
            kernel_shape=[1, 1],
        )

    with pytest.raises(SettingError, match="does not tell whether the channels"):
        size_of(body, (1, 2, 2, 2))


@pytest.mark.parametrize(
    ("annotation", "layout"),
    [("NCHW", "NCHW"), ("NHWC", "NHWC")],
)
def test_an_annotation_decides(annotation: str, layout: str) -> None:
    assert size_of(plain, (1, 2, 2, 2), annotation=annotation) == ((2, 2, 2), PLACES[layout])
    body = through(("MaxPool", POOL))
    assert size_of(body, (1, 2, 2, 2), annotation=annotation)[1] == PLACES[layout]


@pytest.mark.parametrize(
    ("shape", "layout", "size", "places"),
    [
        ((1, 3), "auto", (1, 1, 3), [0, 1, 2]),
        ((1, 3, 2), "auto", (3, 2, 1), [0, 1, 2, 3, 4, 5]),
        ((1, 3, 2), "NCHW", (1, 2, 3), [0, 3, 1, 4, 2, 5]),
        ((1, 3, 2), "NHWC", (1, 3, 2), [0, 1, 2, 3, 4, 5]),
        ((1, 3, 1, 2), "auto", (1, 2, 3), [0, 3, 1, 4, 2, 5]),
        ((1, 2, 1, 3), "auto", (2, 1, 3), [0, 1, 2, 3, 4, 5]),
    ],
)
def test_shapes_and_layouts(
    shape: tuple[int, ...], layout: Layout, size: Shape, places: list[int]
) -> None:
    def body(graph: GraphWriter, x: str) -> str:
        return graph.node("Flatten", x, axis=1)

    assert size_of(body, shape, layout) == (size, places)


@pytest.mark.parametrize(
    ("nodes", "layout"),
    [
        ([("GlobalAveragePool", {})], "NCHW"),
        ([("Relu", {}), ("MaxPool", {"kernel_shape": [1]})], "NCHW"),
        ([("Transpose", {"perm": [0, 2, 1]})], "NHWC"),
        ([("Transpose", {"perm": [0, 2, 1]}), ("MaxPool", {"kernel_shape": [1]})], "NHWC"),
        ([("Relu", {})], "auto"),
        ([("Transpose", {"perm": [1, 0, 2]}), ("Relu", {})], "auto"),
    ],
)
def test_a_sequence_s_layout_follows_from_its_first_layer(
    nodes: list[tuple[str, dict[str, object]]], layout: Layout
) -> None:
    sizes = {"NCHW": (1, 2, 3), "NHWC": (1, 3, 2), "auto": (3, 2, 1)}
    assert size_of(through(*nodes), (1, 3, 2))[0] == sizes[layout]


@pytest.mark.parametrize(
    ("axis", "size"),
    [(2, (1, 2, 3)), (3, (1, 2, 3)), (-1, (1, 2, 3)), (-2, (1, 2, 3)), (1, (3, 2, 1))],
)
def test_a_sequence_that_becomes_an_image_has_its_channels_first(axis: int, size: Shape) -> None:
    def body(graph: GraphWriter, x: str) -> str:
        return graph.node("Unsqueeze", x, graph.constant(np.array([axis])))

    assert size_of(body, (1, 3, 2))[0] == size


@pytest.mark.parametrize("shape", [(1,), (1, 1, 1, 2, 2), (2, 3), (1, 0, 2, 2)])
def test_what_is_no_image_is_refused(shape: tuple[int, ...]) -> None:
    model = single(plain, (1, 1, 2, 2), annotate=False)
    model.set_tensor_shape("images", list(shape))
    with pytest.raises(FlowError, match="export the model for one image"):
        image_value(model, "images", None)


@pytest.mark.parametrize(("more", "fits"), [(0, True), (1, False)])
def test_2_to_the_24_elements_are_an_image(more: int, fits: bool) -> None:
    model = single(plain, (1, 12), annotate=False)
    model.set_tensor_shape("images", [1, 2**24 + more])
    if fits:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                "flow.lowering.encoding._declared", lambda *_: (_ for _ in ()).throw(KeyError)
            )
            with pytest.raises(KeyError):
                image_value(model, "images", None)
        return
    with pytest.raises(FlowError, match=r"has more than 16777216 elements"):
        image_value(model, "images", None)


# --- values


def declared(body: Body, datatype: str = "FLOAT32") -> tuple[Fraction, Fraction, int]:
    model: ModelWrapper = single(body, (1, 1, 2, 2), annotate=False)
    model.set_tensor_datatype("images", DataType[datatype])
    found = image_value(model, "images", None)
    return found.value.scale[0], found.value.offset[0], len(found.notes)


@pytest.mark.parametrize(
    ("kind", "constant", "scale"),
    [
        ("Div", 64.0, Fraction(1)),
        ("Div", 63.0, Fraction(1, 255)),
        ("Mul", 1 / 64, Fraction(1)),
        ("Mul", 1 / 63, Fraction(1, 255)),
        ("Mul", 0.0, Fraction(1, 255)),
        ("Div", -255.0, Fraction(1)),
        ("Add", 255.0, Fraction(1, 255)),
    ],
)
def test_a_large_divisor_tells_of_pixels(kind: str, constant: float, scale: Fraction) -> None:
    assert declared(lambda g, x: g.node(kind, x, g.constant(constant))) == (scale, 0, 1)


def test_the_divisor_may_follow_what_changes_no_value() -> None:
    def body(graph: GraphWriter, x: str) -> str:
        moved = graph.node("Identity", graph.node("Transpose", x, perm=[0, 1, 3, 2]))
        return graph.node("Div", moved, graph.constant(255.0))

    assert declared(body)[0] == 1

    def negated(graph: GraphWriter, x: str) -> str:
        return graph.node("Div", graph.node("Neg", x), graph.constant(255.0))

    assert declared(negated)[0] == Fraction(1, 255)


def test_types_tell_the_values_of_pixels() -> None:
    assert declared(plain, "UINT8") == (1, 0, 0)
    assert declared(plain, "BIPOLAR") == (2, -1, 1)
    assert declared(plain) == (Fraction(1, 255), 0, 1)


def test_floats_are_the_decimals_that_they_print_as() -> None:
    scale, offset = InputEncoding(scale=0.1, mean=(1, 0.2), std=(0.3,)).affine(2)
    assert scale.tolist() == [Fraction(1, 3)] * 2
    assert offset.tolist() == [Fraction(-10, 3), Fraction(-2, 3)]
    scale, offset = InputEncoding().affine(1)
    assert (scale.tolist(), offset.tolist()) == ([Fraction(1, 255)], [0])
    assert [InputEncoding(**{name: (1,)}).says_values for name in ("mean", "std")] == [True, True]
    assert InputEncoding(scale=1).says_values
    assert not InputEncoding(layout="NCHW").says_values


@pytest.mark.parametrize("scale", [0, -1, 0.0])
def test_scales_are_positive(scale: float) -> None:
    assert InputEncoding(scale=0.5, std=(0.5, 1)).scale == 0.5
    with pytest.raises(SettingError, match="is not positive"):
        InputEncoding(scale=scale)
    with pytest.raises(SettingError, match="is not positive"):
        InputEncoding(std=(1, scale))


def test_assumptions_are_said() -> None:
    grey = single(plain, (1, 1, 4, 5), annotate=False)
    assert image_value(grey, "images", None).assumed == ("scale", "mean", "std")
    assert len(image_value(grey, "images", None).notes) == 1
    colours = single(plain, (1, 4, 5, 3), annotate=False)
    found = image_value(colours, "images", InputEncoding(scale=1))
    assert found.assumed == ("layout",)
    assert found.notes == ("input 'images': taken as NHWC, since 3 channels are colours",)
