# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The uint8 image as the model's input."""

from fractions import Fraction

import numpy as np
import pytest
from agreement import assert_equal, finished, quantized, single, weights
from numpy.typing import NDArray
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper

from flow.errors import FlowError
from flow.lowering import InputEncoding, lower
from flow.lowering.encoding import Layout
from flow.lowering.graph_writer import GraphWriter


def _plain(_: GraphWriter, x: str) -> str:
    return x


def _convolved(graph: GraphWriter, x: str) -> str:
    kernel = weights(graph, (3, graph.values[x].shape[1], 2, 2))
    return quantized(graph, graph.node("Conv", x, kernel), signed=True)


def test_a_float_input_is_a_pixel_over_255_and_says_so() -> None:
    model = single(_convolved, (1, 3, 4, 5), annotate=False, largest=1.0)
    assert_equal(model, feed=lambda pixels: pixels / 255)
    (note,) = lower(model).notes
    assert note.startswith("input 'images': taken as pixel / 255, since the model declares nothing")
    assert lower(model).assumed == ("scale", "mean", "std")


@pytest.mark.parametrize(("operation", "constant"), [("Div", 255.0), ("Mul", 1 / 256)])
def test_a_float_input_that_the_model_divides_is_the_pixel(operation: str, constant: float) -> None:
    def body(graph: GraphWriter, x: str) -> str:
        return _convolved(graph, graph.node(operation, x, graph.constant(constant)))

    model = single(body, (1, 3, 4, 5), annotate=False)
    assert_equal(model)
    assert lower(model).notes == ("input 'images': taken as 0..255, since it is divided",)


def test_mean_and_deviation_of_each_channel_are_exact() -> None:
    encoding = InputEncoding(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))

    def body(graph: GraphWriter, x: str) -> str:
        return graph.quant(x, 0.0625, 8, signed=True)

    mean, std = np.array(encoding.mean), np.array(encoding.std)
    network = assert_equal(
        single(body, (1, 3, 4, 5), annotate=False),
        encoding=encoding,
        feed=lambda pixels: (pixels / 255 - mean) / std,
    )
    factor, offset = encoding.affine(3)
    assert factor[0] == Fraction(1, 255) / Fraction(229, 1000)
    assert offset[2] == Fraction(-406, 225)
    assert network.input_shape == (4, 5, 3)


def test_a_signed_input_is_shifted() -> None:
    model = single(_convolved, (1, 1, 4, 5))
    model.set_tensor_datatype("images", DataType["INT8"])
    encoding = InputEncoding(scale=1, mean=(128,))
    assert_equal(model, encoding=encoding, feed=lambda pixels: pixels.astype(float) - 128)


def test_an_input_of_features() -> None:
    model = single(lambda g, x: g.quant(x, 0.25, 2, signed=False), (1, 12), annotate=False)
    assert assert_equal(model, feed=lambda p: p / 255, nchw=False).input_shape == (1, 1, 12)


def test_an_input_without_channels() -> None:
    def body(graph: GraphWriter, x: str) -> str:
        return _convolved(graph, graph.node("Unsqueeze", x, graph.constant(np.array([1]))))

    model = single(body, (1, 6, 5))
    assert assert_equal(model, nchw=False).input_shape == (6, 5, 1)


def _layout(model: ModelWrapper, encoding: InputEncoding | None = None) -> tuple[int, int, int]:
    return lower(model, input_encoding=encoding).network.input_shape


def _transposed(graph: GraphWriter, x: str) -> str:
    return graph.node("Transpose", x, perm=[0, 3, 1, 2])


def test_the_layout_follows_from_the_first_layers() -> None:
    assert _layout(single(_convolved, (1, 2, 4, 5), annotate=False)) == (4, 5, 2)
    assert _layout(single(_transposed, (1, 4, 5, 2), annotate=False)) == (4, 5, 2)


def test_the_layout_follows_from_the_colours() -> None:
    assert _layout(single(_plain, (1, 3, 4, 5), annotate=False)) == (4, 5, 3)
    assert _layout(single(_plain, (1, 4, 5, 1), annotate=False)) == (4, 5, 1)


def test_a_layout_from_the_colours_is_said() -> None:
    lowered = lower(single(_plain, (1, 3, 4, 5), annotate=False))
    assert lowered.notes[1:] == ("input 'images': taken as NCHW, since 3 channels are colours",)
    assert lowered.assumed == ("scale", "mean", "std", "layout")
    assert lower(single(_plain, (1, 3, 4, 5))).assumed == ()


def test_a_layout_alone_leaves_the_values_as_the_model_declares_them() -> None:
    layout = InputEncoding(layout="NCHW")
    lowered = lower(single(_plain, (1, 3, 4, 5)), input_encoding=layout)
    assert lowered.network.preprocessing is not None
    assert (lowered.network.preprocessing.scale, lowered.notes) == ((1.0, 1.0, 1.0), ())


@pytest.mark.parametrize(
    ("shape", "layout", "axes"),
    [
        ((1, 3, 4, 5), "NCHW", (0, 2, 3, 1)),
        ((1, 4, 5, 3), "NHWC", (0, 1, 2, 3)),
        ((1, 1, 4, 5), "NCHW", (0, 1, 2, 3)),
        ((1, 12), "auto", (0, 1)),
    ],
)
def test_the_network_knows_how_its_input_is_made_of_pixels(
    shape: tuple[int, ...], layout: Layout, axes: tuple[int, ...]
) -> None:
    encoding = InputEncoding(scale=0.5, mean=(3,), std=(2,), layout=layout)
    network = lower(single(_plain, shape, annotate=False), input_encoding=encoding).network
    found = network.preprocessing
    assert found is not None
    assert (found.shape, found.axes) == (shape, axes)
    assert set(zip(found.scale, found.offset, strict=True)) == {(0.25, -1.5)}
    places = np.arange(np.prod(shape)).reshape(shape)
    images = found.images(places * 0.25 - 1.5, network.input_shape)
    np.testing.assert_array_equal(found.tensors(images), places * 0.25 - 1.5)


def test_the_layout_can_be_given() -> None:
    model = single(_plain, (1, 3, 4, 3), annotate=False)
    assert _layout(model, InputEncoding(layout="NCHW")) == (4, 3, 3)
    assert _layout(model, InputEncoding(layout="NHWC")) == (3, 4, 3)


def test_an_unclear_layout_is_refused_with_the_choices() -> None:
    model = single(_plain, (1, 3, 4, 3), annotate=False)
    with pytest.raises(
        FlowError, match=r"\[1, 3, 4, 3\] does not tell .* give the layout of the input"
    ):
        lower(model)


def test_another_type_is_refused() -> None:
    model = single(_plain, (1, 1, 4, 5))
    model.set_tensor_datatype("images", DataType["INT8"])
    with pytest.raises(
        FlowError, match=r"type INT8 does not tell its value .* scale 1 and mean 128 for"
    ):
        lower(model)


def test_another_shape_is_refused() -> None:
    model = single(_plain, (1, 1, 4, 5))
    model.set_tensor_shape("images", [2, 1, 4, 5])
    with pytest.raises(FlowError, match=r"shape \[2, 1, 4, 5\] is not .* export the model for one"):
        lower(model)


def test_a_giant_image_is_refused() -> None:
    model = single(_plain, (1, 1, 4, 5))
    model.set_tensor_shape("images", [1, 1, 2**13, 2**13])
    with pytest.raises(FlowError, match=r"has more than 16777216 elements"):
        lower(model)


def test_a_giant_tensor_is_refused() -> None:
    model = single(_convolved, (1, 1, 4, 5))
    (conv,) = model.get_nodes_by_op_type("Conv")
    conv.attribute.add(name="pads", type=7, ints=[2**13] * 4)
    with pytest.raises(FlowError, match=r"has more than 67108864 elements; use smaller images"):
        lower(model)


def test_two_inputs_are_refused() -> None:
    model = single(_plain, (1, 1, 4, 5))
    model.graph.input.append(model.graph.input[0])
    with pytest.raises(FlowError, match=r"model: 2 inputs \(images, images\) and 1 outputs"):
        lower(model)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"layout": "CHW"}, r"layout 'CHW' is not auto, NCHW or NHWC"),
        ({"scale": 0}, r"scale 0 is not positive"),
        ({"std": (1, -2)}, r"std -2 is not positive"),
        ({"scale": float("nan")}, r"input encoding: nan is not a finite number"),
    ],
)
def test_encodings_are_checked(settings: dict[str, object], message: str) -> None:
    with pytest.raises(FlowError, match=message):
        InputEncoding(**settings)  # type: ignore[arg-type]


def test_a_mean_for_another_number_of_channels_is_refused() -> None:
    model = single(_plain, (1, 3, 4, 5))
    with pytest.raises(FlowError, match=r"mean has 2 entries for 3 channels; give one for each"):
        lower(model, input_encoding=InputEncoding(mean=(1, 2)))


def test_logits_that_do_not_depend_on_the_image_are_refused() -> None:
    graph = GraphWriter()
    graph.values["images"] = np.zeros((1, 1, 2, 2), dtype=np.float32)
    constant: NDArray[np.float64] = np.ones((1, 3))
    model = finished(graph, (1, 1, 2, 2), graph.node("Identity", graph.constant(constant)))
    with pytest.raises(FlowError, match=r"output 't0': does not depend on the image"):
        lower(model)
