# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Operations that move values: shapes, layouts, padding, concatenation, parts of tensors."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto

from flow.integer import Concat
from flow.integer.operations import Padding
from flow.lowering._builder import Builder
from flow.lowering._constants import attribute
from flow.lowering._operands import Operands, constant, data, integers, optional, scalar
from flow.lowering._refusal import Refusal
from flow.lowering._settle import as_image, flat, plain, unpadded
from flow.lowering._values import Value, image_index

__all__ = [
    "concat",
    "flatten",
    "gather",
    "pad",
    "reshape",
    "slice_",
    "split",
    "squeeze",
    "transpose",
    "unsqueeze",
]

_LAYOUTS = {(0, 1, 2, 3): (2, 3), (0, 3, 1, 2): (1, 2)}  # transposition to NCHW -> image axes


def transpose(builder: Builder, node: NodeProto, operands: Operands) -> Value:  # noqa: ARG001
    """Lower Transpose: only the order of the elements changes."""
    value = data(operands)
    axes = attribute(node, "perm", list(reversed(range(value.index.ndim))))
    return replace(value, index=value.index.transpose(axes))


def reshape(builder: Builder, node: NodeProto, operands: Operands) -> Value:
    """Lower Reshape; 0 keeps a dimension (unless allowzero), -1 is what is left."""
    value = unpadded(builder, node.name, data(operands))
    wanted = integers(constant(operands, 1, "shape")) or []
    keeps = not attribute(node, "allowzero", 0)
    shape = [
        value.index.shape[axis] if size == 0 and keeps else size for axis, size in enumerate(wanted)
    ]
    return _reshaped(value, shape)


def _reshaped(value: Value, shape: Sequence[int]) -> Value:
    try:
        return replace(value, index=value.index.reshape(tuple(shape)))
    except ValueError as error:
        raise Refusal(
            f"shape {list(shape)} does not fit its input {value.index.shape}",
            "export the model again with batch 1",
            structural=True,
        ) from error


def flatten(builder: Builder, node: NodeProto, operands: Operands) -> Value:
    """Lower Flatten to [d0 * ... , the rest]."""
    value = unpadded(builder, node.name, data(operands))
    axis = attribute(node, "axis", 1) % (value.index.ndim + 1)
    return _reshaped(value, (int(np.prod(value.index.shape[:axis])), -1))


def squeeze(builder: Builder, node: NodeProto, operands: Operands) -> Value:
    """Lower Squeeze."""
    value = unpadded(builder, node.name, data(operands))
    given = integers(optional(operands, 1, "axes")) or attribute(node, "axes")
    shape = value.index.shape
    axes = [i for i, n in enumerate(shape) if n == 1] if given is None else given
    gone = {axis % len(shape) for axis in axes}
    return _reshaped(value, [n for i, n in enumerate(shape) if i not in gone])


def unsqueeze(builder: Builder, node: NodeProto, operands: Operands) -> Value:
    """Lower Unsqueeze."""
    value = unpadded(builder, node.name, data(operands))
    given = integers(optional(operands, 1, "axes")) or attribute(node, "axes", [])
    return replace(value, index=np.expand_dims(value.index, tuple(given)))


def pad(builder: Builder, node: NodeProto, operands: Operands) -> Value:  # noqa: ARG001
    """Lower Pad with zeros around an image; the next layer takes them over."""
    value = data(operands)
    _refuse_mode(node, operands)
    rank = value.index.ndim
    amounts = integers(optional(operands, 1, "pads")) or list(attribute(node, "pads", []))
    axes = integers(optional(operands, 3, "axes")) or list(range(rank))
    around = [(0, 0)] * rank
    for place, axis in enumerate(axes):
        around[axis % rank] = (amounts[place], amounts[place + len(axes)])
    if not any(any(ends) for ends in around):
        return value
    layout = next((axes for axes in _LAYOUTS if value.is_image(axes)), None)
    image_axes = _LAYOUTS.get(layout) if layout else None
    outside = [ends for axis, ends in enumerate(around) if axis not in (image_axes or ())]
    if image_axes is None or any(map(any, outside)) or min(map(min, around)) < 0:
        raise Refusal(
            f"pads {amounts} are not zeros around the height and width of an image",
            "pad an NCHW or NHWC image",
        )
    (top, bottom), (left, right) = (around[axis] for axis in image_axes)
    old = value.padding
    padding: Padding = (old[0] + top, old[1] + left, old[2] + bottom, old[3] + right)
    index = np.pad(value.index, around, constant_values=-1)
    return replace(value, index=index, padding=padding)


def _refuse_mode(node: NodeProto, operands: Operands) -> None:
    mode = attribute(node, "mode", "constant")
    filled = optional(operands, 2, "constant")
    fill = scalar(operands, 2, "constant") if filled is not None else attribute(node, "value", 0)
    if mode != "constant" or fill != 0:
        raise Refusal(
            f"mode {mode} with {float(fill):g} does not pad with zeros",
            "pad with zeros",
            structural=True,
        )


def concat(builder: Builder, node: NodeProto, operands: Operands) -> Value:
    """Lower Concat along the channels of images, or of vectors."""
    parts = [data(operands, place) for place in range(len(operands))]
    rank = parts[0].index.ndim
    axis = attribute(node, "axis", 1) % rank
    builder.pin_shared(parts)
    for layout, channel_axis in (((0, 1, 2, 3), 1), ((0, 3, 1, 2), 3)):
        if rank == 4 and axis == channel_axis and _are_images(parts, layout):
            images = [replace(part, index=part.index.transpose(layout)) for part in parts]
            joined = _joined(builder, node, [as_image(builder, node.name, i) for i in images])
            back = np.argsort(layout)
            return replace(joined, index=image_index(joined.shape).transpose(back))
    if any(part.index.size != part.index.shape[axis] for part in parts):
        raise Refusal(
            f"axis {axis} of {parts[0].index.shape} is not the channels", "join the channels"
        )
    vectors = [flat(builder, node.name, part) for part in parts]
    starts = np.cumsum([0, *(vector.channels for vector in vectors)])
    indices = [v.index + start for v, start in zip(vectors, starts, strict=False)]
    return replace(_joined(builder, node, vectors), index=np.concatenate(indices, axis=axis))


def _are_images(parts: list[Value], layout: tuple[int, ...]) -> bool:
    return all(len(part.shape) == 3 and part.index.ndim == len(layout) for part in parts)


def _joined(builder: Builder, node: NodeProto, parts: list[Value]) -> Value:
    """Concatenate the sources; each channel keeps its own scale."""
    values = [plain(builder, node.name, part) for part in parts]
    source = builder.emit(Concat(name=node.name, inputs=tuple(v.source for v in values)))
    shape = builder.shapes[source]
    return Value.plain(
        source,
        shape,
        np.arange(int(np.prod(shape))),
        np.concatenate([value.scale for value in values]),
        np.concatenate([value.offset for value in values]),
        known=all(value.known for value in values),
    )


def _part(builder: Builder, node: NodeProto, value: Value, index: NDArray[np.int64]) -> Value:
    """Return a part of an image's channels."""
    chosen = replace(value, index=index)
    for layout in _LAYOUTS:
        if index.ndim == 4 and len(value.shape) == 3:
            image = replace(chosen, index=index.transpose(layout))
            try:
                selected = as_image(builder, node.name, image)
            except Refusal:
                continue
            return replace(selected, index=selected.index.transpose(np.argsort(layout)))
    raise Refusal("it takes a part of a tensor other than whole channels", "take whole channels")


def gather(builder: Builder, node: NodeProto, operands: Operands) -> Value:
    """Lower Gather of channels."""
    value = unpadded(builder, node.name, data(operands))
    places = constant(operands, 1, "indices").values
    index = np.take(value.index, places, axis=attribute(node, "axis", 0))
    return _part(builder, node, value, index)


def slice_(builder: Builder, node: NodeProto, operands: Operands) -> Value:
    """Lower Slice of channels."""
    value = unpadded(builder, node.name, data(operands))
    starts, ends, axes, steps = (
        integers(optional(operands, place, name)) or attribute(node, name)
        for place, name in enumerate(("starts", "ends", "axes", "steps"), start=1)
    )
    if starts is None or ends is None:
        raise Refusal("its bounds are missing", "export the model again", structural=True)
    ranges = [slice(None)] * value.index.ndim
    chosen = range(len(starts)) if axes is None else axes
    for place, axis in enumerate(chosen):
        ranges[axis] = slice(starts[place], ends[place], steps[place] if steps else 1)
    index = value.index[tuple(ranges)]
    return value if index.shape == value.index.shape else _part(builder, node, value, index)


def split(builder: Builder, node: NodeProto, operands: Operands) -> list[Value]:
    """Lower Split of channels; one value for each output."""
    value = unpadded(builder, node.name, data(operands))
    axis = attribute(node, "axis", 0)
    sizes = integers(optional(operands, 1, "split")) or attribute(node, "split")
    count = len(node.output)
    whole = value.index.shape[axis]
    if sizes is None:
        size = -(-whole // count)
        sizes = [min(size, whole - i * size) for i in range(count)]
    parts = np.split(value.index, np.cumsum(sizes)[:-1], axis=axis)
    return [_part(builder, node, value, part) for part in parts]
