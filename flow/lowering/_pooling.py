# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Maxima and averages over windows and over the whole image."""

from dataclasses import dataclass, replace
from fractions import Fraction
from math import lcm, prod

import numpy as np
from onnx import NodeProto

from flow.integer import MaxPool, Scale, SumPool
from flow.integer.operations import Integers, Padding, Shape, windows
from flow.lowering._builder import Builder
from flow.lowering._layouts import Layout, layouts
from flow.lowering._matrix import window_padding
from flow.lowering._operands import Operands, data, integers, optional
from flow.lowering._refusal import Refusal
from flow.lowering._settle import as_image, centred, oriented, plain, unclamped, unpadded
from flow.lowering._values import NO_PADDING, Value, image_index, objects
from flow.lowering.constants import attribute

__all__ = [
    "average_pool",
    "global_average",
    "global_max",
    "max_pool",
    "reduce_max",
    "reduce_mean",
    "reduce_sum",
]


_CLIPPED = 19  # opset from which on windows beyond the padding are divided by what is inside it


def max_pool(builder: Builder, node: NodeProto, operands: Operands) -> Value:
    """Lower MaxPool; it commutes with growing functions, so nothing need be quantized before it."""
    value = as_image(builder, node.name, unpadded(builder, node.name, data(operands)))
    kernel, stride, padding = _window(node, value)
    if len(node.output) > 1 and node.output[1]:
        raise Refusal("its indices are used", "use the values alone", structural=True)
    padding = _with_ceiling(node, value, padding)
    if any(pad >= size for pad, size in zip(padding[:2], kernel, strict=True)):
        raise Refusal(f"a window of {kernel} may hold padding alone", "use less padding")
    value = oriented(builder, node.name, value)
    operation = MaxPool(
        name=node.name, inputs=(value.source,), kernel=kernel, stride=stride, padding=padding
    )
    return _over_image(builder, value, builder.emit(operation))


def average_pool(builder: Builder, node: NodeProto, operands: Operands) -> Value:
    """Lower AveragePool: a sum, whose divisor goes into the scale, or into each place's factor."""
    value = as_image(builder, node.name, data(operands))
    kernel, stride, own = _window(node, value)
    whole = _with_ceiling(node, value, own)
    counted = bool(attribute(node, "count_include_pad", 0))
    if counted and builder.opset < _CLIPPED:
        own = whole
    if whole == own and (counted or not any(own)):
        value = unclamped(builder, node.name, value)
        top, left, bottom, right = (a + b for a, b in zip(own, value.padding, strict=True))
        return _average(builder, node, value, (kernel, stride, (top, left, bottom, right)))
    value = plain(builder, node.name, value)
    if counted and any(own):
        value = centred(builder, node.name, value)
    pool = SumPool(
        name=node.name, inputs=(value.source,), kernel=kernel, stride=stride, padding=whole
    )
    result = _over_image(builder, value, builder.emit(pool))
    counts = _counts(pool, value.shape, own if counted else NO_PADDING)
    return _divided(builder, node.name, result, counts)


def _average(
    builder: Builder,
    node: NodeProto,
    value: Value,
    window: tuple[tuple[int, int], tuple[int, int], Padding],
) -> Value:
    """Return the averages of windows whose places all count."""
    kernel, stride, padding = window
    if any(padding):
        value = centred(builder, node.name, value)
    operation = SumPool(
        name=node.name, inputs=(value.source,), kernel=kernel, stride=stride, padding=padding
    )
    result = _over_image(builder, value, builder.emit(operation))
    size = Fraction(kernel[0] * kernel[1])
    return replace(result, scale=result.scale / size, padding=NO_PADDING)


def _counts(pool: SumPool, shape: Shape, counted: Padding) -> Integers:
    """Return int64[H', W']: how many places of each window are the image's or counted padding."""
    outside = [all_of - some for all_of, some in zip(pool.padding, counted, strict=True)]
    top, left, bottom, right = outside
    inside = np.ones(
        (1, shape[0] + counted[0] + counted[2], shape[1] + counted[1] + counted[3], 1),
        dtype=np.int64,
    )
    found = windows(inside, pool.kernel, pool.stride, (top, left, bottom, right))
    counts: Integers = found.sum(axis=(3, 4, 5))[0]
    return counts


def _divided(builder: Builder, name: str, value: Value, counts: Integers) -> Value:
    """Return sums over as many places as counts, int64[H, W], say, divided by these."""
    common = lcm(*np.unique(counts).tolist())
    factors = common // counts
    if (factors != 1).any():
        scale = Scale(name=f"{name}_scale", inputs=(value.source,), factors=factors)
        value = replace(value, source=builder.emit(scale))
    return replace(value, scale=value.scale / Fraction(common))


def global_average(builder: Builder, node: NodeProto, operands: Operands) -> Value:
    """Lower GlobalAveragePool."""
    return _reduced_average(builder, node, data(operands), (2, 3))


def _reduced_average(
    builder: Builder, node: NodeProto, value: Value, axes: tuple[int, ...]
) -> Value:
    value = plain(builder, node.name, as_image(builder, node.name, value))
    return _average(builder, node, value, (_reach(value, axes), (1, 1), NO_PADDING))


def _reach(value: Value, axes: tuple[int, ...]) -> tuple[int, int]:
    """Return the window that covers an image along some of the axes 2 (height) and 3 (width)."""
    return value.shape[0] if 2 in axes else 1, value.shape[1] if 3 in axes else 1


def global_max(builder: Builder, node: NodeProto, operands: Operands) -> Value:
    """Lower GlobalMaxPool."""
    return _reduced_max(builder, node, data(operands), (2, 3))


def _reduced_max(builder: Builder, node: NodeProto, value: Value, axes: tuple[int, ...]) -> Value:
    value = as_image(builder, node.name, unpadded(builder, node.name, value))
    value = oriented(builder, node.name, value)
    kernel = _reach(value, axes)
    pool = MaxPool(name=node.name, inputs=(value.source,), kernel=kernel, stride=(1, 1))
    return _over_image(builder, value, builder.emit(pool))


def reduce_mean(builder: Builder, node: NodeProto, operands: Operands) -> Value:
    """Lower ReduceMean over height, width or both."""
    value, reduction = _reduction(builder, node, operands)
    return reduction.kept(_reduced_average(builder, node, value, reduction.axes))


def reduce_sum(builder: Builder, node: NodeProto, operands: Operands) -> Value:
    """Lower ReduceSum over height, width or both."""
    value, reduction = _reduction(builder, node, operands)
    size = prod(value.index.shape[axis] for axis in reduction.axes)
    result = _reduced_average(builder, node, value, reduction.axes)
    factor = objects([Fraction(size)] * result.channels)
    return reduction.kept(result.affine(factor, factor * 0))


def reduce_max(builder: Builder, node: NodeProto, operands: Operands) -> Value:
    """Lower ReduceMax over height, width or both."""
    value, reduction = _reduction(builder, node, operands)
    return reduction.kept(_reduced_max(builder, node, value, reduction.axes))


@dataclass(frozen=True)
class _Reduction:
    """Of a tensor over axes 2 and 3 of its NCHW image; shape is that of the node's output."""

    layout: Layout
    axes: tuple[int, ...]
    shape: tuple[int, ...]

    def kept(self, value: Value) -> Value:
        """Return a reduced NCHW tensor with the axes that the node's attributes ask for."""
        return replace(value, index=self.layout.back(value).index.reshape(self.shape))


def _reduction(builder: Builder, node: NodeProto, operands: Operands) -> tuple[Value, _Reduction]:
    """Return the image of a reduction as NCHW, and what restores its layout."""
    value = unpadded(builder, node.name, data(operands))
    rank = value.index.ndim
    given = integers(optional(operands, 1, "axes")) or attribute(node, "axes", range(rank))
    axes = sorted(axis % rank for axis in given)
    certain = [layout for layout in layouts(rank) if layout.image(value).is_image()]
    found = {
        layout: tuple(layout.place(axis) for axis in axes) for layout in certain or layouts(rank)
    }
    chosen = next((item for item in found.items() if set(item[1]) <= {2, 3}), None)
    if chosen is None or not axes:
        raise Refusal(
            f"axes {list(given)} of a tensor of shape {value.index.shape} are not height and width",
            "reduce over the image's height and width",
            structural=True,
        )
    shape: list[int] = [1 if axis in axes else size for axis, size in enumerate(value.index.shape)]
    if not attribute(node, "keepdims", 1):
        shape = [size for axis, size in enumerate(value.index.shape) if axis not in axes]
    return chosen[0].image(value), _Reduction(*chosen, tuple(shape))


def _window(node: NodeProto, value: Value) -> tuple[tuple[int, int], tuple[int, int], Padding]:
    """Return kernel, stride and padding of a 2-D pool."""
    kernel = tuple(attribute(node, "kernel_shape", ()))
    if len(kernel) != 2 or any(step != 1 for step in attribute(node, "dilations", (1, 1))):
        raise Refusal(
            f"kernel_shape {list(kernel)} with dilations {attribute(node, 'dilations', [1, 1])}",
            "use a 2-D pool without dilation",
            structural=True,
        )
    stride = tuple(attribute(node, "strides", (1, 1)))
    size, step = (kernel[0], kernel[1]), (stride[0], stride[1])
    return size, step, window_padding(node, value, size, step)


def _with_ceiling(node: NodeProto, value: Value, padding: Padding) -> Padding:
    """Return the padding with what ceil_mode adds below and to the right."""
    if not attribute(node, "ceil_mode", 0):
        return padding
    kernel, stride = attribute(node, "kernel_shape"), attribute(node, "strides", (1, 1))
    extra = []
    for axis in (0, 1):
        size = value.index.shape[2 + axis]
        rest = (size + padding[axis] + padding[2 + axis] - kernel[axis]) % stride[axis]
        starts = size + padding[axis] + padding[2 + axis] - kernel[axis] - rest + stride[axis]
        more = rest > 0 and starts < size + padding[axis]
        extra.append(stride[axis] - rest if more else 0)
    return (padding[0], padding[1], padding[2] + extra[0], padding[3] + extra[1])


def _over_image(builder: Builder, value: Value, source: str) -> Value:
    """Return the value, element by element, of a source of another size."""
    shape = builder.shapes[source]
    return replace(value, source=source, shape=shape, index=image_index(shape))
