# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What the model's input is for a uint8 pixel."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np
from onnx import NodeProto, helper, numpy_helper
from qonnx.core.modelwrapper import ModelWrapper

from flow.errors import FlowError
from flow.integer import IMAGE
from flow.integer.operations import Integers, Shape
from flow.lowering._values import Rationals, Value, objects

__all__ = ["InputEncoding", "Layout", "image_value"]

Layout = Literal["auto", "NCHW", "NHWC"]
Number = Fraction | int | float

_COLOURS = (1, 3)
_ENDS = ("Flatten", "Reshape", "Gemm")  # behind them, the input's axes are others
_SHAPES = ("Transpose", "Unsqueeze", "Squeeze")
_LARGEST = 2**24  # elements of an image
_SEQUENCES = ("MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "BatchNormalization")


@dataclass(frozen=True, kw_only=True)
class InputEncoding:
    """The model's input is (pixel * scale - mean) / std, for pixels 0..255.

    Floats are read as the decimals that they print as: 0.1 is 1/10.

    Attributes:
        scale: of a pixel; 1 for a model that takes 0..255.
        mean, std: one for all channels, or one for each.
        layout: whether the channels are first or last; auto uses the model's own annotation, its
            first layers and then the axis that has 1 or 3 channels. A tensor with three axes is a
            sequence, [1, C, L] or [1, L, C], where the layout is given or its first layers take it
            as one, else an image [1, H, W] of one channel.
    """

    scale: Number = Fraction(1, 255)
    mean: tuple[Number, ...] = (0,)
    std: tuple[Number, ...] = (1,)
    layout: Layout = "auto"

    def __post_init__(self) -> None:
        """Refuse what cannot be an encoding."""
        if self.layout not in ("auto", "NCHW", "NHWC"):
            raise FlowError(f"input encoding: layout {self.layout!r} is not auto, NCHW or NHWC")
        if not _exact(self.scale) > 0 or any(not _exact(item) > 0 for item in self.std):
            raise FlowError(
                f"input encoding: scale {self.scale} and std {self.std} must be positive"
            )

    def affine(self, channels: int) -> tuple[Rationals, Rationals]:
        """Return factor and offset of each channel's pixels.

        Raises:
            FlowError: mean or std has another number of entries.
        """
        mean, std = (_spread(name, getattr(self, name), channels) for name in ("mean", "std"))
        scale = [_exact(self.scale) / s for s in std]
        return objects(scale), objects([-m / s for m, s in zip(mean, std, strict=True)])


def _exact(number: Number) -> Fraction:
    try:
        return Fraction(repr(number)) if isinstance(number, float) else Fraction(number)
    except (ValueError, TypeError) as error:
        raise FlowError(f"input encoding: {number!r} is not a finite number") from error


def _spread(name: str, values: tuple[Number, ...], channels: int) -> list[Fraction]:
    if len(values) not in (1, channels):
        raise FlowError(
            f"input encoding: {name} has {len(values)} entries for {channels} channels; give one "
            "for each or one for all"
        )
    exact = [_exact(value) for value in values]
    return exact if len(exact) == channels else exact * channels


def image_value(
    model: ModelWrapper, name: str, encoding: InputEncoding | None
) -> tuple[Value, tuple[str, ...]]:
    """Return what the model's input tensor is in terms of the uint8 image, and notes about it.

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
    chosen, notes = (encoding, ()) if encoding else _declared(model, name)
    scale, offset = chosen.affine(size[2])
    return Value.plain(IMAGE, size, index, scale, offset), notes


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
    layout = "".join(model.get_tensor_layout(name) or ())
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
        axes = _axes(node, "perm")
        return "NCHW" if axes == first else "NHWC" if axes == last else None
    return None


def _of_sequence(model: ModelWrapper, node: NodeProto) -> Layout | None:
    """Return the layout of [1, C, L] or [1, L, C], None for what may be an image [1, H, W]."""
    if node.op_type == "Conv" or node.op_type in _SEQUENCES:
        return "NCHW"
    if node.op_type == "MatMul":
        return "NHWC"
    if node.op_type == "Transpose" and _axes(node, "perm") == (0, 2, 1):
        return "NHWC"
    if node.op_type == "Unsqueeze":
        given = model.get_initializer(node.input[1]) if len(node.input) > 1 else None
        axes = _axes(node, "axes") if given is None else tuple(given.reshape(-1).tolist())
        return "NCHW" if set(axes) <= {2, 3, -1, -2} else None
    return None


def _axes(node: NodeProto, name: str) -> tuple[int, ...]:
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
        raise FlowError(
            f"input {name!r}: shape {list(shape)} does not tell whether the channels are first or "
            "last; set the input's layout to NCHW or NHWC"
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
        raise FlowError(
            f"input {name!r}: type {datatype} does not tell its value for a uint8 pixel; set the "
            "input's pixel scale, mean and std, such as 1, 128 and 1 for INT8"
        )
    if _divides(model, name):
        return InputEncoding(scale=1), (f"input {name!r}: taken as 0..255, since it is divided",)
    note = (
        f"input {name!r}: taken as pixel / 255, since the model declares nothing; set the input's "
        "pixel scale, mean and std if it was trained otherwise"
    )
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
