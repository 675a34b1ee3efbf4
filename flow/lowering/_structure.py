# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Operations that move values: shapes, layouts, padding, concatenation, parts of tensors."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from onnx import NodeProto

from flow.integer import Concat
from flow.integer.operations import Padding
from flow.lowering._builder import Builder
from flow.lowering._joins import joined_places
from flow.lowering._layouts import Layout, image_layout, layouts
from flow.lowering._operands import Operands, constant, data, integers, optional, scalar
from flow.lowering._places import part
from flow.lowering._refusal import Refusal
from flow.lowering._settle import as_image, flat, plain, unpadded
from flow.lowering._values import Value, image_index
from flow.lowering.constants import Constant, attribute, constant_node

__all__ = [
    "concat",
    "flatten",
    "gather",
    "pad",
    "reshape",
    "resize",
    "slice_",
    "split",
    "squeeze",
    "transpose",
    "unsqueeze",
]


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


def pad(builder: Builder, node: NodeProto, operands: Operands) -> Value:
    """Lower Pad with zeros around an image, which the next layer takes over; fewer cut it."""
    value = data(operands)
    _refuse_mode(node, operands)
    rank = value.index.ndim
    amounts = integers(optional(operands, 1, "pads")) or list(attribute(node, "pads", []))
    axes = integers(optional(operands, 3, "axes")) or list(range(rank))
    around = [(0, 0)] * rank
    for place, axis in enumerate(axes):
        around[axis % rank] = (amounts[place], amounts[place + len(axes)])
    value = _cut(builder, node, value, around)
    around = [(max(before, 0), max(after, 0)) for before, after in around]
    return _padded(value, around) if any(any(ends) for ends in around) else value


def _cut(
    builder: Builder, node: NodeProto, value: Value, around: Sequence[tuple[int, int]]
) -> Value:
    """Take away what negative amounts of padding do."""
    ends = [(max(-before, 0), max(-after, 0)) for before, after in around]
    if not any(map(any, ends)):
        return value
    value = unpadded(builder, node.name, value)
    sizes = zip(ends, value.index.shape, strict=True)
    kept = tuple(slice(before, size - after) for (before, after), size in sizes)
    return part(builder, node.name, value, value.index[kept])


def _padded(value: Value, around: Sequence[tuple[int, int]]) -> Value:
    layout = image_layout(value)
    places = {} if layout is None else {layout.place(a): e for a, e in enumerate(around)}
    if not places or any(places[0]) or any(places[1]):
        raise Refusal(
            f"pads {list(around)} of the axes are not zeros around the height and width of an "
            "image",
            "pad an NCHW or NHWC image",
        )
    (top, bottom), (left, right) = (places.get(axis, (0, 0)) for axis in (2, 3))
    old = value.padding
    padding: Padding = (old[0] + top, old[1] + left, old[2] + bottom, old[3] + right)
    index = np.pad(value.index, around, constant_values=-1)
    return replace(value, index=index, padding=padding)


def _refuse_mode(node: NodeProto, operands: Operands) -> None:
    mode = attribute(node, "mode", "constant")
    filled = optional(operands, 2, "constant")
    fill = scalar(operands, 2, "constant") if filled is not None else attribute(node, "value", 0)
    if mode != "constant" or fill != 0:
        what = f"{float(fill):g}" if mode == "constant" else f"mode {mode}"
        raise Refusal(f"it pads with {what}", "pad with zeros", structural=True)


def concat(builder: Builder, node: NodeProto, operands: Operands) -> Value:
    """Lower Concat along the channels, height or width of images, or of vectors."""
    parts = [data(operands, place) for place in range(len(operands))]
    rank = parts[0].index.ndim
    axis = attribute(node, "axis", 1) % rank
    builder.pin_shared(parts)
    for layout in layouts(rank):
        images = _as_images(builder, node, parts, layout)
        if images is None:
            continue
        if layout.place(axis) == 1:
            joined = _joined(builder, node, images)
            return layout.back(replace(joined, index=image_index(joined.shape)))
        return layout.back(joined_places(builder, node.name, images, layout.place(axis) - 2))
    if any(part.index.size != part.index.shape[axis] for part in parts):
        raise Refusal(
            f"axis {axis} of {parts[0].index.shape} is neither the channels nor the height or "
            "width",
            "join images along one of these",
        )
    vectors = [flat(builder, node.name, part) for part in parts]
    starts = np.cumsum([0, *(vector.channels for vector in vectors)])
    indices = [v.index + start for v, start in zip(vectors, starts, strict=False)]
    return replace(_joined(builder, node, vectors), index=np.concatenate(indices, axis=axis))


def _as_images(
    builder: Builder, node: NodeProto, parts: list[Value], layout: Layout
) -> list[Value] | None:
    """Return the inputs as NCHW images in order, None if the layout does not make them so."""
    if any(len(part.shape) != 3 for part in parts):
        return None
    try:
        return [as_image(builder, node.name, layout.image(part)) for part in parts]
    except Refusal:
        return None


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


def space_to_depth(builder: Builder, node: NodeProto, operands: Operands) -> Value:
    """Lower SpaceToDepth of an NCHW image: each place of a block is a strided slice of channels."""
    value, size = unpadded(builder, node.name, data(operands)), attribute(node, "blocksize")
    blocks = (value.index[:, :, top::size, left::size] for top, left in np.ndindex(size, size))
    return concat(builder, node, [part(builder, node.name, value, block) for block in blocks])


def gather(builder: Builder, node: NodeProto, operands: Operands) -> Value:
    """Lower Gather of channels, rows or columns."""
    value = unpadded(builder, node.name, data(operands))
    places = constant(operands, 1, "indices").values
    index = np.take(value.index, places, axis=attribute(node, "axis", 0))
    return part(builder, node.name, value, index)


def slice_(builder: Builder, node: NodeProto, operands: Operands) -> Value:
    """Lower Slice: a crop, a stride or both, of channels, rows or columns."""
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
    if np.array_equal(index, value.index):
        return value
    return part(builder, node.name, value, index)


def split(builder: Builder, node: NodeProto, operands: Operands) -> list[Value]:
    """Lower Split of channels, rows or columns; one value for each output."""
    value = unpadded(builder, node.name, data(operands))
    axis = attribute(node, "axis", 0)
    sizes = integers(optional(operands, 1, "split")) or attribute(node, "split")
    count = len(node.output)
    whole = value.index.shape[axis]
    if sizes is None:
        size = -(-whole // count)
        sizes = [min(size, whole - i * size) for i in range(count)]
    parts = np.split(value.index, np.cumsum(sizes)[:-1], axis=axis)
    return [part(builder, node.name, value, index) for index in parts]


def resize(builder: Builder, node: NodeProto, operands: Operands) -> Value:
    """Lower Resize and Upsample to the nearest pixel: the places are the executor's own.

    Raises:
        Refusal: another mode, which mixes pixels, or sizes that are not constant.
    """
    mode = attribute(node, "mode", "nearest")
    if mode != "nearest":
        raise Refusal(
            f"mode {mode} mixes pixels with fractions", "use mode nearest", structural=True
        )
    value = unpadded(builder, node.name, data(operands))
    places = np.arange(value.index.size, dtype=np.int32).reshape(value.index.shape)
    given = {name: Constant(places) for name in node.input[:1]}
    for place, name in enumerate(node.input[1:], start=1):
        found = optional(operands, place, "size")
        given |= {} if found is None else {name: found}
    (taken,) = constant_node(node, given, builder.opset).values()
    return part(builder, node.name, value, value.index.reshape(-1)[taken.values])
