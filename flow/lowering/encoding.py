# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What the model's input is for a uint8 pixel."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np
from onnx import NodeProto, helper, numpy_helper
from qonnx.core.modelwrapper import ModelWrapper

from flow.errors import FlowError, SettingError
from flow.integer import IMAGE
from flow.integer.operations import Integers, Shape
from flow.lowering._values import Rationals, Value, objects
from hw.accelerator.preprocessing import Preprocessing

__all__ = ["InputEncoding", "InputImage", "Layout", "image_value"]

Layout = Literal["auto", "NCHW", "NHWC"]
Number = Fraction | int | float

_COLOURS = (1, 3)
_ENDS = ("Flatten", "Reshape", "Gemm")  # behind them, the input's axes are others
_SHAPES = ("Transpose", "Unsqueeze", "Squeeze")
_LARGEST = 2**24  # elements of an image
_SEQUENCES = ("MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "BatchNormalization")
_VALUES = ("scale", "mean", "std")


@dataclass(frozen=True, kw_only=True)
class InputEncoding:
    """The model's input is (pixel * scale - mean) / std, for pixels 0..255.

    Floats are read as the decimals that they print as: 0.1 is 1/10. Where scale, mean and std are
    all None, they are as the model declares them; else those that are None have their defaults.

    Attributes:
        scale: of a pixel, by default 1/255; 1 for a model that takes 0..255.
        mean, std: one for all channels, or one for each; by default 0 and 1.
        layout: whether the channels are first or last; auto uses the model's own annotation, its
            first layers and then the axis that has 1 or 3 channels. A tensor with three axes is a
            sequence, [1, C, L] or [1, L, C], where the layout is given or its first layers take it
            as one, else an image [1, H, W] of one channel.
    """

    scale: Number | None = None
    mean: tuple[Number, ...] | None = None
    std: tuple[Number, ...] | None = None
    layout: Layout = "auto"

    def __post_init__(self) -> None:
        """Refuse what cannot be an encoding."""
        if self.layout not in ("auto", "NCHW", "NHWC"):
            raise SettingError(
                f"input encoding: layout {self.layout!r} is not auto, NCHW or NHWC", "layout"
            )
        for name, values in (
            ("scale", [self.scale]),
            ("std", self.std if self.std is not None else ()),
        ):
            for value in values:
                if value is not None and not _exact(value) > 0:
                    raise SettingError(f"input encoding: {name} {value} is not positive", name)

    @property
    def says_values(self) -> bool:
        """Whether scale, mean or std is given."""
        return any(getattr(self, name) is not None for name in _VALUES)

    def affine(self, channels: int) -> tuple[Rationals, Rationals]:
        """Return factor and offset of each channel's pixels.

        Raises:
            SettingError: mean or std has another number of entries.
        """
        mean = _spread("mean", (0,) if self.mean is None else self.mean, channels)
        std = _spread("std", (1,) if self.std is None else self.std, channels)
        scale = [_exact(Fraction(1, 255) if self.scale is None else self.scale) / s for s in std]
        return objects(scale), objects([-m / s for m, s in zip(mean, std, strict=True)])


def _exact(number: Number) -> Fraction:
    try:
        return Fraction(repr(number)) if isinstance(number, float) else Fraction(number)
    except (ValueError, TypeError) as error:
        raise SettingError(
            f"input encoding: {number!r} is not a finite number", *_VALUES
        ) from error


def _spread(name: str, values: tuple[Number, ...], channels: int) -> list[Fraction]:
    if len(values) not in (1, channels):
        raise SettingError(
            f"input encoding: {name} has {len(values)} entries for {channels} channels; give one "
            "for each or one for all",
            name,
        )
    exact = [_exact(value) for value in values]
    return exact if len(exact) == channels else exact * channels


@dataclass(frozen=True)
class InputImage:
    """The model's input tensor in terms of the uint8 image.

    Attributes:
        value: the tensor.
        notes: what was assumed, in words.
        assumed: the fields of InputEncoding that were assumed: others would change the answer.
    """

    value: Value
    notes: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()

    def preprocessing(self) -> Preprocessing:
        """Return how the tensor is made of the image, for those who have neither."""
        return Preprocessing(
            shape=self.value.index.shape,
            axes=_axes(self.value.index),
            scale=tuple(float(item) for item in self.value.scale),
            offset=tuple(float(item) for item in self.value.offset),
        )


def _axes(index: Integers) -> tuple[int, ...]:
    """Return the order of axes in which the elements' places in the image ascend."""
    first = index.ravel()[0]
    steps = [
        float("inf") if size == 1 else float(index.take(1, axis).ravel()[0] - first)
        for axis, size in enumerate(index.shape)
    ]
    return tuple(sorted(range(index.ndim), key=lambda axis: -steps[axis]))


def image_value(model: ModelWrapper, name: str, encoding: InputEncoding | None) -> InputImage:
    """Return what the model's input tensor is in terms of the uint8 image.

    Raises:
        FlowError: a shape that is no image's, a layout that is not clear, or an annotated type
            other than UINT8 without an encoding.
    """
    shape = tuple(model.get_tensor_shape(name) or ())
    if len(shape) not in (2, 3, 4) or shape[0] != 1 or min(shape) < 1:
        raise FlowError(
            f"input {name!r}: shape {list(shape)} is not [1, C, H, W], [1, H, W, C], [1, C, L], "
            "[1, H, W] or [1, F]; export the model for one image"
        )
    if int(np.prod(shape)) > _LARGEST:
        raise FlowError(f"input {name!r}: shape {list(shape)} has more than {_LARGEST} elements")
    layout = encoding.layout if encoding else "auto"
    size, index = _ordered(model, name, shape, layout)
    given = encoding is not None and encoding.says_values
    chosen, notes = (encoding, ()) if encoding and given else _declared(model, name)
    declared = model.get_tensor_datatype(name).name != "FLOAT32"
    assumed = () if declared or not notes else _VALUES
    if len(shape) == 4 and layout == "auto" and size[2] > 1 and not _known_layout(model, name):
        order = "NCHW" if size[2] == shape[1] else "NHWC"
        notes = (*notes, f"input {name!r}: taken as {order}, since {size[2]} channels are colours")
        assumed = (*assumed, "layout")
    scale, offset = chosen.affine(size[2])
    return InputImage(Value.plain(IMAGE, size, index, scale, offset), notes, assumed)


def _known_layout(model: ModelWrapper, name: str) -> Layout | None:
    return _annotated(model, name) or _evident(model, name, 4)


def _ordered(
    model: ModelWrapper, name: str, shape: tuple[int, ...], layout: Layout
) -> tuple[Shape, Integers]:
    """Return the image's (H, W, C) and the tensor's index of it."""
    places = np.arange(int(np.prod(shape)))
    if len(shape) == 2:
        return (1, 1, shape[1]), places.reshape(shape)
    if layout == "auto":
        layout = _annotated(model, name) or _evident(model, name, len(shape)) or "auto"
    if len(shape) == 3 and layout == "auto":
        return (shape[1], shape[2], 1), places.reshape(shape)
    if layout == "auto":
        layout = _by_colours(name, shape)
    if len(shape) == 3:
        shape = (1, shape[1], 1, shape[2]) if layout == "NCHW" else (1, 1, *shape[1:])
        size, index = _image(places, shape, layout)
        return size, index.squeeze(2 if layout == "NCHW" else 1)
    return _image(places, shape, layout)


def _image(places: Integers, shape: tuple[int, ...], layout: Layout) -> tuple[Shape, Integers]:
    if layout == "NHWC":
        return (shape[1], shape[2], shape[3]), places.reshape(shape)
    size = (shape[2], shape[3], shape[1])
    return size, places.reshape(size).transpose(2, 0, 1)[None]


def _annotated(model: ModelWrapper, name: str) -> Layout | None:
    """Return what the file says of a tensor; its list is read here, since QONNX would run it."""
    layout = "".join(
        "".join(re.findall(r"['\"](\w+)['\"]", entry.value))
        for tensor in model.graph.quantization_annotation
        for entry in tensor.quant_parameter_tensor_names
        if tensor.tensor_name == name and entry.key == "tensor_layout"
    )
    return {"NCHW": "NCHW", "NHWC": "NHWC", "NCW": "NCHW", "NWC": "NHWC"}.get(layout)  # type: ignore[return-value]


def _evident(model: ModelWrapper, name: str, rank: int) -> Layout | None:
    """Tell the layout from the first layer that depends on it."""
    evidence = _of_image if rank == 4 else _of_sequence
    waiting, seen = [name], {name}
    while waiting:
        tensor = waiting.pop(0)
        for node in model.graph.node:
            if tensor not in node.input:
                continue
            found = evidence(model, node)
            if found is not None:
                return found
            if node.op_type in _ENDS or (rank == 3 and node.op_type in _SHAPES):
                continue
            waiting += [item for item in node.output if item not in seen]
            seen.update(node.output)
    return None


def _of_image(model: ModelWrapper, node: NodeProto) -> Layout | None:  # noqa: ARG001
    if node.op_type in ("Conv", "MaxPool", "AveragePool", "GlobalAveragePool"):
        return "NCHW"
    if node.op_type == "Transpose":
        first, last = (0, 2, 3, 1), (0, 3, 1, 2)
        axes = _axes_of(node, "perm")
        return "NCHW" if axes == first else "NHWC" if axes == last else None
    return None


def _of_sequence(model: ModelWrapper, node: NodeProto) -> Layout | None:
    """Return the layout of [1, C, L] or [1, L, C], None for what may be an image [1, H, W]."""
    if node.op_type == "Conv" or node.op_type in _SEQUENCES:
        return "NCHW"
    if node.op_type == "MatMul":
        return "NHWC"
    if node.op_type == "Transpose" and _axes_of(node, "perm") == (0, 2, 1):
        return "NHWC"
    if node.op_type == "Unsqueeze":
        given = model.get_initializer(node.input[1]) if len(node.input) > 1 else None
        axes = _axes_of(node, "axes") if given is None else tuple(given.reshape(-1).tolist())
        return "NCHW" if set(axes) <= {2, 3, -1, -2} else None
    return None


def _axes_of(node: NodeProto, name: str) -> tuple[int, ...]:
    given = {item.name: helper.get_attribute_value(item) for item in node.attribute}
    return tuple(given.get(name, ()))


def _first_nodes(model: ModelWrapper, name: str) -> Sequence[NodeProto]:
    """Return the chain of single readers behind the input."""
    found: list[NodeProto] = []
    while True:
        readers = [node for node in model.graph.node if name in node.input]
        if len(readers) != 1 or not readers[0].output:
            return found
        found.append(readers[0])
        name = readers[0].output[0]


def _by_colours(name: str, shape: tuple[int, ...]) -> Layout:
    first, last = shape[1] in _COLOURS, shape[3] in _COLOURS
    if first == last:
        raise SettingError(
            f"input {name!r}: shape {list(shape)} does not tell whether the channels are first or "
            "last; give the layout of the input encoding, NCHW or NHWC",
            "layout",
        )
    return "NCHW" if first else "NHWC"


def _declared(model: ModelWrapper, name: str) -> tuple[InputEncoding, tuple[str, ...]]:
    """Return the encoding of a model whose user gave none."""
    datatype = model.get_tensor_datatype(name).name
    if datatype == "UINT8":
        return InputEncoding(scale=1), ()
    if datatype == "BIPOLAR":
        note = f"input {name!r}: bipolar, so that pixel 0 stands for -1 and pixel 1 for 1"
        return InputEncoding(scale=2, mean=(1,)), (note,)
    if datatype != "FLOAT32":
        raise SettingError(
            f"input {name!r}: type {datatype} does not tell its value for a uint8 pixel; give the "
            "input encoding, such as scale 1 and mean 128 for INT8",
            *_VALUES,
        )
    if _divides(model, name):
        return InputEncoding(scale=1), (f"input {name!r}: taken as 0..255, since it is divided",)
    note = f"input {name!r}: taken as pixel / 255, since the model declares nothing"
    return InputEncoding(), (note,)


def _divides(model: ModelWrapper, name: str) -> bool:
    """Whether the model itself brings 0..255 to about 0..1."""
    tensors = {item.name: item for item in model.graph.initializer}
    for node in _first_nodes(model, name):
        if node.op_type not in ("Transpose", "Reshape", "Cast", "Identity", "Div", "Mul"):
            return False
        if node.op_type in ("Div", "Mul") and node.input[1] in tensors:
            size = float(np.abs(numpy_helper.to_array(tensors[node.input[1]])).max(initial=0))
            return size >= 64 if node.op_type == "Div" else 0 < size <= 1 / 64
    return False
